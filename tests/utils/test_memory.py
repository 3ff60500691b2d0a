"""The bounded dict of a process's memory."""

import json
from contextlib import suppress

import pytest

from tests.support.allocations import allocated
from tests.support.threads import run_threads
from tot_jwt.utils.memory import BoundedDict, json_size


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


def sized(max_bytes, *lengths):
    """Return the keys that remain of texts of these lengths, each a byte a character."""
    memory = BoundedDict[int, str](10, max_bytes, lambda key, text: len(text))
    for key, length in enumerate(lengths):
        memory.put(key, "x" * length)
    return list(memory)


@pytest.mark.req("D9")
@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([4, 4, 2], [0, 1, 2]),
        ([4, 4, 3], [1, 2]),
        ([1, 1, 1, 9], [2, 3]),  # one entry displaces several
        ([4, 4, 10], [2]),
        ([4, 4, 11], [0, 1]),  # an entry that does not fit displaces none
        ([0] * 12, [*range(2, 12)]),
    ],
)
def test_bytes_are_bounded_too(lengths, expected):
    assert sized(10, *lengths) == expected


@pytest.mark.req("D9")
def test_oversized_value_replaces_the_old():
    memory = BoundedDict[str, str](10, 5, lambda key, text: len(text))
    memory.put("a", "old")

    memory.put("a", "too long")

    assert memory == {}


@pytest.mark.req("D9")
def test_freed_bytes_are_used_again():
    memory = BoundedDict[str, str](10, 10, lambda key, text: len(text))
    for text in ("xxxxxxxxx", "x", "xxxxx"):
        memory.put("a", text)
    memory.put("b", "xxxxx")
    assert memory == {"a": "xxxxx", "b": "xxxxx"}

    memory.clear()
    memory.put("c", "x" * 10)

    assert memory == {"c": "x" * 10}


@pytest.mark.req("D9")
@pytest.mark.parametrize(
    "make",
    [
        lambda: parsed({"text": "x" * 500, "other": "ü€😀" * 50}),
        lambda: parsed([[] for _ in range(200)]),
        lambda: parsed([{"a": i + 1000, "b": None} for i in range(100)]),
        lambda: nested(3000),
    ],
    ids=["texts", "lists", "objects", "deep"],
)
def test_size_of_json_is_real(make):
    with allocated() as real:
        values = [make() for _ in range(20)]

    # Python 3.11 allocates less for a small dict than `getsizeof` says.
    assert 0.9 < sum(map(json_size, values)) / real() < 1.6


def parsed(value):
    """Return a copy that shares no object with the value."""
    return json.loads(json.dumps(value))


def nested(depth):
    """Return lists in lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


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


@pytest.mark.req("A12", "D9")
def test_threads_never_exceed_the_bytes():
    memory = BoundedDict[int, int](100, 30, lambda key, value: value)
    sums = set()

    def work(seed):
        for number in range(5_000):
            memory.put((seed + number) % 17, number % 9)
            with suppress(RuntimeError):  # another thread changed it meanwhile
                sums.add(sum(list(memory.values())))

    run_threads(work, range(8))

    assert max(sums) <= 30
    memory.put(99, 30)
    assert {value for value in memory.values() if value} == {30}
