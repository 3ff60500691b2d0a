"""Secrets and tokens stay out of what programs log, pickle and report."""

import copy
import pickle
import traceback

import pytest
import requests

from tests.support.client import LIBRARIES, SECRET, Program, credentials, rejected
from tot_jwt.client import TokenError, TooManyRequests, Unavailable

#: The beginning of all tokens that the API issues.
TOKEN = "token-"


def report(error, *packages):
    """Return all that an error reporter sees: each traceback with the variables of its frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [
        f"{frame.name} {frame.locals}"
        for each in chain(shown)
        for frame in each.stack
        if any(package in frame.filename for package in ["/tot_jwt/", *packages])
    ]
    assert ours
    return "\n".join([*ours, *traceback.format_exception(error)])


def chain(shown):
    """Return the exception and those that led to it, also where Python hides them."""
    while shown is not None:
        yield shown
        shown = shown.__cause__ or shown.__context__


def errors_of(program):
    """Return the exception of each way in which an exchange fails, after a token was rejected."""
    program.send()
    program.api.ended["token-1"] = rejected()
    for reply in [
        rejected(401, SECRET),
        (429, {"Retry-After": "900"}, SECRET.encode()),
        (307, {"Location": f"/?{SECRET}"}, b""),
        (200, {}, b'{"token": "token-7", "expiresIn": 0}'),
        (200, {}, b'{"token": "token-7'),
    ]:
        program.api.always(*reply)
        with pytest.raises(TokenError) as caught:
            program.send()
        yield caught.value
        program.clock.now += 1000


def test_errors_show_no_secret(program):
    errors = list(errors_of(program))

    assert len(errors) == 5
    for error in errors:
        text = report(error)
        assert SECRET not in text
        assert "token-1" not in text
        assert "token-7" not in text


@pytest.mark.parametrize("kind", LIBRARIES)
def test_refused_arguments_show_no_secret(kind):
    with pytest.raises(ValueError, match="not encrypted") as caught:
        LIBRARIES[kind][0]("http://api.example.com/token", **credentials())

    assert SECRET not in report(caught.value)


@pytest.mark.parametrize("kind", LIBRARIES)
def test_bytes_are_not_shown(kind):
    with pytest.raises(TypeError) as caught:
        LIBRARIES[kind][0]("https://a.com/", **credentials(secret_key=SECRET.encode()))

    assert SECRET not in report(caught.value)


def break_hook(session):
    """Let the exchange fail after its answer."""

    def hook(response, **_):
        response.close()
        raise KeyError(response.status_code)

    session.hooks["response"].append(hook)


def break_header(session):
    """Let the exchange fail before it is sent."""
    session.headers["X-Program"] = "\u0661"


def break_adapter(session):
    """Let the exchange fail in the network."""
    session.mount("http://", BrokenAdapter())


class BrokenAdapter(requests.adapters.BaseAdapter):
    """A network with a bug."""

    def send(self, request, **kwargs):
        raise LookupError(request.body)

    def close(self):
        """Close nothing."""


@pytest.mark.parametrize(
    ("break_it", "error"),
    [(break_hook, KeyError), (break_header, UnicodeEncodeError), (break_adapter, LookupError)],
)
def test_frames_of_requests_show_no_secret(api, break_it, error):
    with requests.Session() as session:
        break_it(session)
        program = Program("requests", api, session=session)
        with pytest.raises(error) as caught:
            program.send()
        # The next caller does not repeat it.
        with pytest.raises(Unavailable, match=r"cannot be reached$"):
            program.send()
    text = report(caught.value, "/requests/", "/urllib3/", "/http/")

    assert ("<_io.BytesIO" in text, SECRET in text) == (True, False)


def test_representations_show_no_secret(program):
    program.send()
    auth = program.auth
    shown = [repr(auth), str(auth), repr(vars(auth)), repr(vars(auth._session))]

    assert SECRET not in str(shown)
    assert TOKEN not in str(shown)


def test_auth_is_not_copied_or_pickled(program):
    for copies in [pickle.dumps, copy.deepcopy]:
        with pytest.raises(TypeError):
            copies(program.auth)
        with pytest.raises(TypeError, match="not pickled"):
            copies(program.auth._credentials.secret_key)


def test_errors_survive_pickling(api):
    api.always(429, {"Retry-After": "900"}, b"")
    with pytest.raises(TooManyRequests) as caught:
        Program("requests", api).send()

    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (type(error), error.status, error.retry_after) == (TooManyRequests, 429, 900)
    assert str(error) == str(caught.value)
