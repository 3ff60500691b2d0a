"""One process of `benchmarks.compare`: measure the given subjects and print the results as JSON.

    python -m benchmarks.measure own peers logins --data DIR --sizes 10 10000

The environment variables KEY_STATE_MAX_AGE and HASHER set the settings of those names.
"""

import argparse
import gc
import json
from pathlib import Path

import django

#: Requests in a block, with different credentials if there are enough keys.
BLOCK = 32


def main() -> None:
    """Run the command."""
    arguments = _parser().parse_args()
    django.setup()
    # These modules import models, which requires the setup.
    from benchmarks import own, peers, tables
    from benchmarks.timing import Subject, measure

    def prepared(keys: int, *, is_largest: bool) -> list[Subject]:
        """Return the subjects on a file with this number of keys.

        Only the largest file has subjects that do not look up a key.
        """
        file: Path = arguments.data / f"{keys}.sqlite3"
        tables.fill(file, keys, peers=True)
        tables.use(file)
        spread = [keys * n // BLOCK for n in range(BLOCK)]
        subjects = own.subjects(spread, keys) if "own" in arguments.what else []
        if "peers" in arguments.what:
            subjects += peers.authentications(spread)
            subjects += peers.verifications(spread) if is_largest else []
        if "logins" in arguments.what and is_largest:
            subjects += peers.logins(arguments.block)
        for subject in subjects:
            subject.keys, subject.file = keys, file
        return subjects

    largest = max(arguments.sizes)
    subjects = [own.empty()]
    for keys in arguments.sizes:
        subjects += prepared(keys, is_largest=keys == largest)
    gc.collect()
    gc.freeze()
    measure(subjects, arguments.rounds)
    names = ("operation", "name", "keys", "queries", "blocks")
    print(json.dumps([{name: getattr(subject, name) for name in names} for subject in subjects]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=["own", "peers", "logins"])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the databases, created if missing"
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[10_000],
        help="numbers of keys; each has its own file",
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--block", type=int, default=BLOCK, help="requests of a login in a block")
    return parser


if __name__ == "__main__":
    main()
