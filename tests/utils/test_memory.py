"""The bounded dict of a process's memory."""

import pytest

from tests.support.threads import run_threads
from tot_jwt.utils.memory import BoundedDict


def remaining(limit, keys):
    """Return which of the keys remain after storing them in this order."""
    memory = BoundedDict[str, str](limit)
    for key in keys:
        memory.put(key, key)
    return "".join(key for key in sorted(set(keys)) if memory.get(key) == key)


@pytest.mark.parametrize(
    ("limit", "keys", "expected"),
    [
        (2, "ab", "ab"),
        (2, "abc", "bc"),
        (2, "abb", "ab"),  # a replaced entry displaces none
        (3, "abacd", "acd"),  # it becomes the newest
    ],
)
def test_full_dict_drops_oldest_entry(limit, keys, expected):
    assert remaining(limit, keys) == expected


def test_replaced_entry_has_new_value():
    memory = BoundedDict[str, int](limit=2)

    memory.put("a", 1)
    memory.put("a", 2)

    assert memory == {"a": 2}


@pytest.mark.req("A12")
def test_threads_never_exceed_the_limit():
    memory = BoundedDict[int, int](limit=5)
    sizes = set()

    def work(seed):
        for number in range(20_000):
            memory.put((seed + number) % 17, number)
            sizes.add(len(memory))

    run_threads(work, range(8))

    assert max(sizes) == 5
