"""How much memory code really takes."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def allocated() -> Iterator[Callable[[], int]]:
    """Yield a function that returns, after the block, how many bytes the block left allocated."""
    sizes: list[int] = []

    def measure() -> None:
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        measure()
        yield lambda: sizes[1] - sizes[0]
        measure()
    finally:
        tracemalloc.stop()
