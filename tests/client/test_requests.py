"""What only Requests has: files, sessions of its own, hooks, and its own errors."""

import io

import pytest
import requests

from tests.support.client import Program, rejected
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

    assert [each.status_code for each in response.history] == [401]
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


def test_session_may_have_the_same_auth(api):
    session = requests.Session()
    session.headers["X-Program"] = "7"
    program = Program("requests", api, session=session)
    session.auth = program.auth

    assert session.get(f"{api.url}/orders").text == "orders"
    assert "authorization" not in api.headers
    assert (len(api.exchanges), api.headers["x-program"]) == (1, "7")


def test_exchange_sends_no_netrc(program, api, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    program.send()

    assert "authorization" not in api.headers
