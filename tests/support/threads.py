"""Threads that interleave often."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run_threads(work: Callable[[Any], object], arguments: Iterable[Any]) -> None:
    """Call the function in one thread for each argument. Raise what one of them raises."""
    arguments = list(arguments)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(arguments)) as pool:
            list(pool.map(work, arguments))
    finally:
        sys.setswitchinterval(interval)
