"""What only Requests has: files, sessions of its own, hooks, and its own errors."""

import io

import pytest
import requests
import urllib3

from tests.support.client import Program, StoppedClock, rejected
from tot_jwt.client import Unavailable


class Connectionless(requests.adapters.BaseAdapter):
    """A network that fails, and whose exception holds the request."""

    def __init__(self, error):
        super().__init__()
        self.error, self.calls = error, []

    def send(self, request, **kwargs):
        self.calls.append((request, kwargs))
        raise self.error(request=request)

    def close(self):
        """Close nothing."""


@pytest.fixture
def program(api):
    return Program("requests", api)


def test_file_repeats_from_its_position(program, api):
    api.ended["token-1"] = rejected()
    file = io.BytesIO(b"a comment, an order")
    file.seek(11)

    assert program.send("/orders", "POST", data=file).status_code == 200
    assert [body for *_, body in api.requests] == [b"an order"] * 2


def test_retry_is_in_the_history(program, api):
    api.ended["token-1"] = rejected()

    response = program.send()

    [old] = response.history
    assert (old.status_code, old.request.headers["Authorization"]) == (401, "Bearer token-1")
    assert response.request.headers["Authorization"] == "Bearer token-2"


def test_prepared_request_is_repeated_once(program, api):
    api.answers["/orders"] = rejected()
    prepared = requests.Request("GET", f"{api.url}/orders", auth=program.auth).prepare()
    program.auth(prepared)

    with requests.Session() as session:
        assert session.send(prepared).status_code == 401

    assert api.tokens == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    "error", [requests.ConnectionError, requests.Timeout], ids=lambda e: e.__name__
)
def test_unreachable_token_url_is_unavailable(api, error):
    session = requests.Session()
    network = Connectionless(error)
    session.mount("http://", network)
    program = Program("requests", api, session=session)

    for _ in range(2):
        with pytest.raises(Unavailable, match=f"cannot be reached: {error.__name__}") as caught:
            program.send()

    [(request, options)] = network.calls
    assert request.url == f"{api.url}/token"
    assert options["timeout"] == 10
    assert (caught.value.status, caught.value.__context__) == (None, None)


def test_system_error_is_unavailable(api):
    api.url = "https://127.0.0.1:9"
    with requests.Session() as session:
        session.cert = "/no/such/file"
        with pytest.raises(Unavailable, match="cannot be reached: OSError") as caught:
            Program("requests", api, session=session).send()

    assert caught.value.__context__ is None


class Recorder(requests.adapters.HTTPAdapter):
    """A network that takes 3 seconds, and remembers its timeouts."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.timeouts = clock, []

    def send(self, request, **kwargs):
        self.timeouts.append(kwargs["timeout"])
        self.clock.now += 3
        return super().send(request, **kwargs)


@pytest.fixture
def slow(api):
    """Return a session of a program whose network takes time, with its adapter."""
    session, clock = requests.Session(), StoppedClock()
    adapter = Recorder(clock)
    session.mount("http://", adapter)
    session.auth = Program("requests", api, clock=clock, session=session).auth
    yield session, adapter
    session.close()


def test_exchange_has_a_timeout(slow, api):
    session, adapter = slow
    api.replies.append((503, {"Retry-After": "50"}, b""))
    session.get(f"{api.url}/orders", timeout=99)

    # 7 seconds before the client gives up.
    assert adapter.timeouts == [10, 7, 99]


def test_repeated_response_has_its_time(slow, api):
    session, _ = slow
    api.ended["token-1"] = rejected()
    response = session.get(f"{api.url}/orders", timeout=99)

    assert (response.status_code, response.elapsed.total_seconds()) == (200, 3)


def test_redirect_after_renewal_has_new_token(program, api):
    api.ended["token-1"] = rejected()
    api.answers["/old"] = (302, {"Location": "/orders"}, b"")

    assert program.send("/old").status_code == 200
    assert api.tokens == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


class Drip(requests.adapters.BaseAdapter):
    """A network that answers with a byte each 2 seconds."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.reads = clock, 0

    def send(self, request, **kwargs):
        response = requests.Response()
        response.status_code = 200
        response.raw = urllib3.HTTPResponse(self, preload_content=False)
        return response

    def read(self, size):
        self.reads += 1
        self.clock.sleep(2)
        return b" " * size

    def close(self):
        """Close nothing."""


def test_slow_answer_ends(api):
    clock = StoppedClock()
    network = Drip(clock)
    with requests.Session() as session:
        session.mount("http://", network)
        program = Program("requests", api, clock=clock, session=session)
        with pytest.raises(Unavailable, match="in time") as caught:
            program.send()

    assert (network.reads, caught.value.__context__) == (30, None)


def test_session_may_have_the_same_auth(api):
    with requests.Session() as session:
        session.headers["X-Program"] = "7"
        session.auth = Program("requests", api, session=session).auth
        response = session.get(f"{api.url}/orders")

    assert response.text == "orders"
    assert "authorization" not in api.headers
    assert (len(api.exchanges), api.headers["x-program"]) == (1, "7")


def test_exchange_sends_no_netrc(program, api, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    program.send()

    assert "authorization" not in api.headers
