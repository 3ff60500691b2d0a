"""The bounded dict of a process's memory."""

from threading import Thread

import pytest

from tot_jwt.utils.memory import BoundedDict


def test_full_dict_drops_the_oldest_entry():
    memory = BoundedDict[str, int](limit=2)

    for value, key in enumerate("abc"):
        memory.put(key, value)

    assert [memory.get(key) for key in "abc"] == [None, 1, 2]


def test_replaced_entry_becomes_the_newest():
    memory = BoundedDict[str, int](limit=2)

    for value, key in enumerate("abac"):
        memory.put(key, value)

    assert [memory.get(key) for key in "abc"] == [2, None, 3]


@pytest.mark.req("A12")
def test_threads_never_exceed_the_limit():
    memory = BoundedDict[int, int](limit=5)
    sizes = set()

    def work(seed: int) -> None:
        for number in range(2000):
            memory.put((seed + number) % 17, number)
            sizes.add(len(memory) <= 5)

    threads = [Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sizes == {True}
