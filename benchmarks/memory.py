"""A million distinct tokens through one process leave its memory flat, and no flood displaces good ones.

Exits with 1 where that does not hold. It reads /proc, so it needs Linux.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks import report

METHOD = """\
One process on SQLite, {seconds:.0f} seconds: {strangers:,} keys, each used once, so that all that is remembered is
full; then {tokens:,} tokens of {clients:,} clients, each signed, verified and never seen again, and {attacks:,} bad
ones of four kinds. The resident memory is looked at ten times on the way."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument(
        "--tokens", type=int, default=1_000_000, help="how many good ones (%(default)s)"
    )
    parser.add_argument(
        "--attacks", type=int, default=200_000, help="how many bad ones (%(default)s)"
    )
    report.add_output_option(parser)
    arguments = parser.parse_args()
    report.require_installed()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from benchmarks import floods

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        floods.open_file(Path(folder) / "keys.sqlite3")
        findings = [
            *floods.of_keys(),
            *floods.of_tokens(arguments.tokens),
            *floods.of_bad_tokens(arguments.attacks),
            *floods.of_one_client(),
        ]
    report.write_section(
        arguments.output,
        "Memory",
        report.provenance("benchmarks.memory"),
        METHOD.format(
            seconds=time.monotonic() - began,
            strangers=floods.KEYS,
            clients=floods.CLIENTS,
            **{name: getattr(arguments, name) for name in ("tokens", "attacks")},
        ),
        report.table_of_findings(findings),
    )
    raise SystemExit(not all(finding.is_good for finding in findings))


if __name__ == "__main__":
    main()
