"""The cache that shares a token between processes."""

import json
import threading

import pytest
from django.core.cache import caches

from tests.support.client import SECRET, Program, rejected
from tot_jwt.client import InvalidCredentials, InvalidRequest


class DictCache:
    """A cache in a dict, which remembers its calls."""

    def __init__(self):
        self.values, self.timeouts, self.threads = {}, [], set()

    def get(self, key):
        self.threads.add(threading.get_ident())
        return self.values.get(key)

    def set(self, key, value, timeout):
        self.timeouts.append(timeout)
        self.values[key] = value


class BytesCache(DictCache):
    """A cache that returns bytes, as a client of Redis does."""

    def get(self, key):
        value = super().get(key)
        return value and value.encode()


@pytest.mark.parametrize("cache", [DictCache(), BytesCache(), caches["default"]], ids=type)
def test_processes_share_a_token(api, cache):
    for library in ["httpx", "async", "requests"]:
        assert Program(library, api, cache=cache).send().status_code == 200

    assert api.tokens == ["Bearer token-1"] * 3
    assert len(api.exchanges) == 1


def test_entry_lives_until_renewal(make_program, api):
    cache = DictCache()
    program = make_program(cache=cache)
    program.send()
    late = make_program(cache=cache)
    late.clock.now += 869
    late.send()
    late.clock.now += 1
    late.send()

    assert cache.timeouts == [870, 870]
    assert api.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_entry_is_never_used_for_longer(api):
    cache = DictCache()
    Program("requests", api, cache=cache).send()
    slow = Program("requests", api, cache=cache)
    # The clock of this process is an hour late.
    slow.clock.epoch = lambda: 1_700_001_000 - 3600
    slow.send()
    slow.clock.now += 870
    cache.values.clear()  # the end of its timeout
    slow.send()

    assert api.tokens[1:] == ["Bearer token-1", "Bearer token-2"]


def test_very_short_life_is_not_stored(program, api):
    cache = DictCache()
    api.life = 1
    Program("requests", api, cache=cache).send()

    assert cache.values == {}


def test_keys_differ_by_credentials_and_scopes(api):
    cache = DictCache()
    for changes in [
        {},
        {"scopes": ["a"]},
        {"scopes": ["a", "b"]},
        {"scopes": ["b", "a"]},
        {"app_domain": "other.com"},
        {"api_key": "pk_live_b"},
        {"secret_key": "sk_live_rotated"},
    ]:
        Program("requests", api, cache=cache, **changes).send()

    assert len(cache.values) == len(api.exchanges) == 6
    assert SECRET not in str(cache.values)
    assert all(len(key) < 100 and key.isascii() for key in cache.values)


def test_rejected_token_is_dropped(make_program, api):
    cache = DictCache()
    programs = [make_program(cache=cache) for _ in range(2)]
    for program in programs:
        program.send()
    api.ended["token-1"] = rejected()

    assert [program.send().status_code for program in programs] == [200, 200]
    assert make_program(cache=cache).send().status_code == 200
    # The second program does not trust the cache: what is there may have ended too.
    assert api.tokens[2:] == [f"Bearer token-{number}" for number in [1, 2, 1, 3, 3]]


def test_newer_entry_survives_a_rejection(make_program, api):
    cache = DictCache()
    programs = [make_program(cache=cache) for _ in range(2)]
    programs[0].send()
    cache.values.clear()
    programs[1].send()
    api.ended["token-1"] = rejected()
    api.always(*rejected(401, "invalid_credentials"))
    with pytest.raises(InvalidCredentials):
        programs[0].send()

    assert "token-2" in str(cache.values)


def test_revoked_key_leaves_no_entry(make_program, api):
    cache = DictCache()
    program = make_program(cache=cache)
    program.send()
    api.ended["token-1"] = rejected()
    api.always(*rejected(401, "invalid_credentials"))
    with pytest.raises(InvalidCredentials):
        program.send()
    other = make_program(cache=cache)

    with pytest.raises(InvalidCredentials):
        other.send()
    assert api.tokens == ["Bearer token-1"] * 2


GOOD: dict[str, object] = {"token": "token-9", "goodFor": 800, "until": 1_700_001_800}

#: What is wrong with an entry that is otherwise good.
DAMAGES: list[dict[str, object]] = [
    {"token": 9},
    {"token": "two words"},
    {"token": "a\r\nb"},
    {"goodFor": "800"},
    {"goodFor": -1},
    {"goodFor": float("nan")},
    {"until": None},
    {"until": 10**400},
    {"until": 1_700_001_000},
]
DAMAGED = ["", "token-9", "[]", "9" * 5000, "[" * 100_000, b"\xff", 7, GOOD]


def test_damaged_entry_is_ignored(api):
    cache = DictCache()
    for value in [*DAMAGED, *[json.dumps(GOOD | damage) for damage in DAMAGES]]:
        cache.get = lambda key, value=value: value
        api.exchanges.clear()
        Program("requests", api, cache=cache).send()

        assert api.tokens[-1] == "Bearer token-1", value


def test_entry_is_read_again_daily(api):
    cache = DictCache()
    reads = []

    def get(key):
        reads.append(key)
        return json.dumps(GOOD | {"goodFor": 10**11, "until": 10**11, "spare": 10**11})

    cache.get = get
    program = Program("requests", api, cache=cache)
    for pause, count in [(0, 1), (86_399.75, 1), (0.25, 2)]:
        program.clock.now += pause
        program.send()
        assert len(reads) == count

    # Nor is it used for longer than half a minute if the renewal fails.
    cache.get = lambda key: None
    api.always(400, {}, b"")
    program.clock.now += 86_400 + 29.75
    assert program.send().status_code == 200
    program.clock.now += 0.25
    with pytest.raises(InvalidRequest):
        program.send()


def test_good_entry_is_used(api):
    cache = DictCache()
    cache.get = lambda key: json.dumps(GOOD)
    Program("requests", api, cache=cache).send()

    assert (api.tokens, api.exchanges) == (["Bearer token-9"], [])


class FailingCache:
    """A cache without a connection, whose exceptions quote what it was given."""

    def get(self, *arguments):
        raise ConnectionError(arguments)

    set = get


def test_failing_cache_stops_no_client(make_program, api, caplog):
    assert make_program(cache=FailingCache()).send().status_code == 200

    messages = [record.getMessage() for record in caplog.records if record.name == "tot_jwt.client"]
    assert messages == ["The token cache failed: ConnectionError"] * 2


def test_cache_is_looked_up_by_thread(api):
    class Proxy:
        """A cache that is another object in each thread, as Django's `cache`."""

        def __getattr__(self, name):
            threads.add(threading.get_ident())
            return getattr(cache, name)

    cache, threads = DictCache(), set()
    Program("async", api, cache=Proxy()).send()

    assert threads == cache.threads != {threading.get_ident()}
    assert len(cache.values) == 1


def test_cache_does_not_block_the_loop(api):
    cache = DictCache()
    Program("async", api, cache=cache).send()

    assert threading.get_ident() not in cache.threads
