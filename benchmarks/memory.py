"""Send a million different tokens through one process and check that its memory does not grow.

Also checks that floods of tokens do not evict valid ones. Exits with 1 if a check fails. Requires
Linux, because it reads /proc.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks import report

METHOD = """\
One process on SQLite, {seconds:.0f} seconds. First {strangers:,} keys are used once each, which
fills the caches. Then {tokens:,} tokens of {clients:,} clients are signed and verified once each,
and {attacks:,} invalid tokens of four kinds are sent. The resident memory is measured ten times
per flood."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument(
        "--tokens", type=int, default=1_000_000, help="number of valid tokens (%(default)s)"
    )
    parser.add_argument(
        "--attacks", type=int, default=200_000, help="number of invalid tokens (%(default)s)"
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
