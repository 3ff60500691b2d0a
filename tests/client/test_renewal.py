"""The renewal of a token that is still good: it costs no request."""

import httpx
import pytest

from tests.client.flows import begin, begin_in_thread, new_auth
from tests.support.client import Api, StoppedClock, rejected
from tot_jwt.client import InvalidCredentials, Unavailable


def test_failed_renewal_uses_old_token(program, api):
    program.send()
    api.always(503, {}, b"")
    # From the time of the renewal to the end of the token. A failure is remembered for 5 seconds.
    for pause, exchanges in [(870, 2), (4.75, 2), (0.25, 3), (4.75, 3), (20, 4)]:
        program.clock.now += pause
        assert program.send().status_code == 200
        assert len(api.exchanges) == exchanges

    assert (set(api.tokens), program.clock.pauses) == ({"Bearer token-1"}, [])
    program.clock.now += 0.25
    with pytest.raises(Unavailable):
        program.send()
    assert len(api.exchanges) == 4


def test_failed_renewal_is_made_up_for(program, api):
    program.send()
    api.replies.append((503, {}, b""))
    for pause in [870, 5]:
        program.clock.now += pause
        program.send()

    assert api.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-3"]


def test_renewal_pauses_after_the_end(program, api):
    program.send()
    api.replies.append((503, {}, b""))
    program.clock.now += 900

    assert program.send().status_code == 200
    assert (program.clock.pauses, api.tokens[-1]) == ([1], "Bearer token-3")


def test_rejected_token_is_no_reserve(program, api):
    program.send()
    api.ended["token-1"] = rejected()
    api.always(*rejected(401, "invalid_credentials"))
    program.clock.now += 870

    with pytest.raises(InvalidCredentials):
        program.send()
    assert (len(api.exchanges), len(api.requests)) == (2, 2)


def test_cached_token_is_a_reserve(make_program, api):
    class Cache(dict):
        def set(self, key, value, timeout):
            self[key] = value

    cache = Cache()
    make_program(cache=cache).send()
    program = make_program(cache=cache)
    program.clock.now += 100
    program.send()
    api.always(503, {}, b"")
    program.clock.now += 799.75

    assert program.send().status_code == 200
    assert (api.tokens, len(api.exchanges)) == (["Bearer token-1"] * 3, 2)
    program.clock.now += 5
    with pytest.raises(Unavailable):
        program.send()


def test_others_send_during_a_renewal():
    api, clock = Api(), StoppedClock()
    clock.is_impatient = True
    auth = new_auth(api, clock=clock)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as client:
        client.get(f"{api.url}/orders")
    clock.now += 870
    renewal = begin_in_thread(auth)

    flow, path = begin(auth)
    assert path == "/orders"
    flow.close()
    renewal.close()


def test_lost_renewal_costs_one_request():
    api = Api()
    auth = new_auth(api)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as client:
        client.get(f"{api.url}/orders")
        auth._clock.now += 870
        transport = httpx.MockTransport(lose)
        with (
            httpx.Client(auth=auth, transport=transport) as other,
            pytest.raises(httpx.ConnectError),
        ):
            other.get(f"{api.url}/orders")
        assert client.get(f"{api.url}/orders").status_code == 200

    assert (api.tokens, len(api.exchanges)) == (["Bearer token-1"] * 2, 1)


def lose(request):
    """Lose the connection."""
    raise httpx.ConnectError("refused", request=request)
