"""Forget what this process remembers of keys: a rolled-back transaction does not do that."""

from tot_jwt.access import guesses, limits
from tot_jwt.keys import hashes, state, usage


def reset() -> None:
    """Forget cached key states, uses that are not written yet, counters of limits, and guesses.

    It needs no database, and does not clear the host's cache. Verified tokens stay cached: a
    signature stays right, and all else of a token is checked at each use.
    """
    state.reset()
    usage.reset()
    limits.reset()
    guesses.reset()
    hashes.reset()
