"""Saturate two workers on PostgreSQL and Redis while keys are changed and the database crashes.

Exits with 1 if a response is wrong, or if a view behind a token is too slow against an empty view.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import report, servers, soak
from benchmarks.clients import DOMAIN, EMPTY, PAUSE, PROTECTED, Call, make_key, manage, throughput
from benchmarks.report import ROOT, Finding

ROUNDS, ROUND_SECONDS = 24, 1
LEAST_SHARE = 0.9
METHOD = """\
gunicorn with {workers} sync workers, PostgreSQL, Redis and the clients run on one machine. First,
wrk sends requests to an empty view and to a view behind a token, in turns of {turn} s. The share is
the median of {rounds} rounds. Then, for {seconds} s, one wrk sends tokens and another exchanges
keys. Meanwhile one key is revoked, another is rotated with a grace period, and the database is
killed and started again after {gone:.0f} s. Probes use these keys about every {pause} s. The times
of a probe are when it sent a request, counted from the end of the command or from the database's
start."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=int,
        default=60,
        help="duration of the saturation, at least 20 (%(default)s)",
    )
    report.add_output_option(parser)
    arguments = parser.parse_args()
    report.require_installed()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with servers.postgresql(folder) as database, servers.redis(folder) as cache:
            configure(database.url, cache)
            with servers.gunicorn() as port:
                findings = [*speed(port), *soak.run(port, database, arguments.seconds, folder)]
    report.write_section(
        arguments.output,
        "Load",
        report.provenance("benchmarks.load", "gunicorn", "psycopg", "redis"),
        METHOD.format(
            workers=servers.WORKERS,
            seconds=arguments.seconds,
            gone=(soak.RETURN - soak.CRASH) * arguments.seconds,
            pause=PAUSE,
            turn=ROUND_SECONDS,
            rounds=ROUNDS,
        ),
        report.table_of_findings(findings),
    )
    raise SystemExit(not all(finding.is_good for finding in findings))


def configure(database_url: str, cache_url: str) -> None:
    """Have all new processes use this database and this cache, and create the tables."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "BENCHMARKS_DATABASE_URL": database_url,
        "BENCHMARKS_CACHE_URL": cache_url,
        "KEY_STATE_MAX_AGE": str(soak.MAX_AGE),
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"], cwd=ROOT, check=True
    )
    manage("create_domain", DOMAIN)


def speed(port: int) -> list[Finding]:
    """Return the requests per second of both views, and their ratio."""
    token = Call(keys=make_key()).token_from(port)
    rates: dict[str, list[float]] = {EMPTY: [], PROTECTED: []}
    for path in rates:
        throughput(port, path, token, 1)
    for number in range(ROUNDS):
        for path in sorted(rates, reverse=bool(number % 2)):
            rates[path].append(throughput(port, path, token, ROUND_SECONDS))
    share = statistics.median(
        behind / empty for empty, behind in zip(rates[EMPTY], rates[PROTECTED], strict=True)
    )
    return [
        Finding("Requests per second, empty view", round(statistics.median(rates[EMPTY]))),
        Finding("Requests per second, behind a token", round(statistics.median(rates[PROTECTED]))),
        Finding("Share of the empty view", share, at_least=LEAST_SHARE),
    ]


if __name__ == "__main__":
    main()
