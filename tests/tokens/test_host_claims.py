"""The claims that a host adds with TOKEN_CLAIMS."""

import copy
import io
import json
import logging
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from django.core.management import call_command
from django.test import RequestFactory

from tests.support.key_pairs import key_pair_settings
from tests.support.requests import bearer
from tests.support.tokens import CLAIMS, claims_for, claims_of, sign
from tot_jwt.authentication import JWTAuthentication
from tot_jwt.principal import ApiClient
from tot_jwt.signals import token_issued
from tot_jwt.tokens import ApiToken

PATH = f"{__name__}.claims"

#: What `claims` returns or raises, and the clients that it was called with.
result: Any = {}
calls: list[ApiClient] = []


def claims(client: ApiClient) -> Any:
    """Return the claims for a new token of the client, as a host's function does."""
    calls.append(client)
    if isinstance(result, Exception):
        raise result
    return result


@pytest.fixture(autouse=True)
def _host(settings: Any) -> Iterator[None]:
    """Name the function in the settings."""
    settings.TOT_JWT = {"TOKEN_CLAIMS": PATH}
    calls.clear()
    yield
    add({})


def add(value: Any) -> None:
    """Let the host's function return the value, or raise it."""
    global result  # noqa: PLW0603 - the package finds the function by its path
    result = value


def authenticate(token):
    """Return `request.user` and `request.auth` of a request with the token."""
    return JWTAuthentication().authenticate(RequestFactory().get("/", headers=bearer(token)))


def nested(depth):
    """Return lists that are nested this deep."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


GOOD = {
    "plan": "gold",
    "limits": {"seats": 5, "names": ["a", {"b": None}]},
    "beta": True,
    "ratio": 0.5,
    "größe": "ä\u2028",
    "": [],
    "name": 10**40,
    "deep": nested(31),
}


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_added_claims_are_in_token(make_key, make_token, get_token, settings, algorithm):
    pair = {} if algorithm == "HS256" else key_pair_settings(algorithm)
    settings.TOT_JWT = {**pair, "TOKEN_CLAIMS": PATH}
    add(GOOD)

    token = make_token(make_key())

    found = claims_of(token)
    assert {name: found[name] for name in found.keys() - set(CLAIMS)} == GOOD
    assert get_token(token).status_code == 200


def test_added_claims_are_in_request(make_key, make_token):
    add(GOOD)

    _, auth = authenticate(make_token(make_key()))

    assert auth["plan"] == "gold"
    assert auth["limits"]["names"] == ("a", {"b": None})
    assert auth["name"] == 10**40


@pytest.mark.parametrize("value", [{}, OrderedDict(a=(1, 2)), MappingProxyType({"a": 1})])
def test_any_mapping_may_be_returned(make_key, make_token, value):
    add(value)

    found = claims_of(make_token(make_key()))

    assert found.keys() - set(CLAIMS) == value.keys()


def test_function_sees_the_new_client(make_key, make_token):
    key = make_key(scopes=["orders:read", "orders:write"], environment="test")

    make_token(key, scopes=["orders:read"])

    (client,) = calls
    assert (client.pk, client.app_domain, client.app_domain_id, client.environment) == (
        key.public_key,
        key.app_domain.domain,
        key.app_domain_id,
        "test",
    )
    assert client.scopes == {"orders:read"}
    assert client.has_scope("orders:read")
    assert not client.has_scope("orders:write")


def test_function_is_called_for_tokens_only(make_key, make_token, get_token, post_token):
    key = make_key()

    post_token(key, totSecretKey="wrong")
    post_token(key, scopes=["not:held"])
    assert calls == []
    get_token(make_token(key))
    assert len(calls) == 1


def test_verified_token_may_have_any_claim(make_key, get_token):
    """A reserved name is only the mistake of the host that adds it."""
    assert get_token(sign(claims_for(make_key(), is_admin=True))).status_code == 200


def test_issued_token_equals_verified_token(db):
    """Also where JSON has no such value, such as a tuple or a number as a name."""
    add({"a": ({1: [True]},), "b": {"c": (1, [2])}})
    client = ApiClient("pk_live_x", "example.com", 1, "live", frozenset())

    raw, token = ApiToken.issue(client, generation=1)

    assert token.payload == ApiToken(raw).payload
    assert token["a"] == ({"1": (True,)},)


# Mistakes


def error_in(caplog):
    """Return the package's only error in the log."""
    (record,) = [
        each for each in caplog.records if (each.name, each.levelno) == ("tot_jwt", logging.ERROR)
    ]
    return record.getMessage()


def cyclic():
    """Return a list that contains itself."""
    value: list[Any] = []
    value.append(value)
    return value


class TwoFaced(dict[str, Any]):
    """A dict whose names differ from those of its items."""

    def __iter__(self) -> Iterator[str]:  # pragma: no cover: the items count
        return iter(["plan"])


MISTAKES = {
    "two-faced dict": (TwoFaced(is_superuser=True), "'is_superuser' is reserved"),
    "capitals": ({"IS_SUPERUSER": True}, "'IS_SUPERUSER' is reserved"),
    **{f"reserved {name}": ({name: "x"}, f"'{name}' is reserved") for name in CLAIMS},
    "nbf": ({"nbf": 1}, "'nbf' is reserved"),
    "cnf": ({"cnf": {}}, "'cnf' is reserved"),
    "user_id": ({"user_id": 1}, "'user_id' is reserved"),
    "is_superuser": ({"is_superuser": False}, "'is_superuser' is reserved"),
    "is_": ({"is_": 1}, "'is_' is reserved"),
    "number as name": ({1: "x"}, "the name 1 is not a string"),
    "None as name": ({None: "x"}, "the name None is not a string"),
    "bytes as name": ({b"a": "x"}, "is not a string"),
    "nothing": (None, "it returned NoneType, not a dict"),
    "list": ([("a", 1)], "it returned list, not a dict"),
    "text": ("{}", "it returned str, not a dict"),
    "NaN": ({"a": float("nan")}, "the claim 'a' is not JSON"),
    "infinity": ({"a": [float("inf")]}, "the claim 'a' is not JSON"),
    "bytes": ({"a": b"b"}, "the claim 'a' is not JSON"),
    "date": ({"a": datetime.now(UTC)}, "the claim 'a' is not JSON"),
    "decimal": ({"a": Decimal(1)}, "the claim 'a' is not JSON"),
    "set": ({"a": {1}}, "the claim 'a' is not JSON"),
    "surrogate": ({"a": "\ud800"}, "the claim 'a' is not JSON"),
    "surrogate in a name": ({"\ud800": 1}, r"the claim '\ud800' is not JSON"),
    "surrogate within": ({"a": {"\udfff": 1}}, "the claim 'a' is not JSON"),
    "names that become equal": ({"a": {1: 1, "1": 2}}, "the claim 'a' is not JSON"),
    "tuple as a name": ({"a": {(1,): 1}}, "the claim 'a' is not JSON"),
    "digits beyond Python's limit": ({"a": 10**5000}, "the claim 'a' is not JSON"),
    "deep": ({"a": nested(32)}, "the claim 'a' is not JSON, or nested 32 deep or more"),
    "very deep": ({"a": nested(100_000)}, "the claim 'a' is not JSON, or nested 32 deep or more"),
    "cyclic": ({"a": cyclic()}, "the claim 'a' is not JSON, or nested 32 deep or more"),
    "exception": (LookupError("no such plan"), "no such plan"),
}


@pytest.mark.req("A8", "A12")
@pytest.mark.parametrize(("value", "mistake"), MISTAKES.values(), ids=MISTAKES)
def test_unusable_claims_issue_no_token(make_key, post_token, caplog, value, mistake):
    add(value)
    issued: list[Any] = []

    def receive(**kwargs: Any) -> None:
        issued.append(kwargs)  # pragma: no cover: it must not be called

    token_issued.connect(receive)
    answer = post_token(make_key())

    assert (answer.status_code, answer.json()) == (
        503,
        {"detail": "Service temporarily unavailable", "code": "service_unavailable"},
    )
    assert issued == []
    message = error_in(caplog)
    assert message.startswith(f"No token issued: TOKEN_CLAIMS ({PATH}) failed: ")
    assert mistake in message


def test_log_has_the_functions_traceback(make_key, post_token, caplog):
    add(LookupError("no such plan"))

    post_token(make_key())

    assert "in claims\n    raise result\nLookupError: no such plan" in caplog.text


@pytest.mark.parametrize("path", ["nowhere.claims", f"{__name__}.nothing", "nothing", 7, []])
def test_missing_function_issues_no_token(make_key, post_token, settings, caplog, path):
    settings.TOT_JWT = {"TOKEN_CLAIMS": path}

    assert post_token(make_key()).status_code == 503
    assert f"No token issued: TOKEN_CLAIMS ({path}) failed: " in caplog.text


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
def test_long_token_is_not_issued(make_key, post_token, settings, caplog, algorithm):
    pair = {} if algorithm == "HS256" else key_pair_settings(algorithm)
    settings.TOT_JWT = {**pair, "TOKEN_CLAIMS": PATH}
    key = make_key()
    add({"a": ""})
    empty = len(post_token(key).json()["token"])
    # Base64 writes three bytes in four characters.
    room = (4096 - empty) // 4 * 3 - 3

    add({"a": "x" * room})
    assert 4088 < len(post_token(key).json()["token"]) <= 4096
    add({"a": "x" * (room + 8)})
    assert post_token(key).status_code == 503

    message = error_in(caplog)
    assert message.startswith("No token issued: 4")
    assert f"TOKEN_CLAIMS ({PATH})" in message


# Immutable


@pytest.mark.req("A12")
def test_added_claims_cannot_be_changed(make_key, make_token):
    add(GOOD)
    token = make_token(make_key())
    _, auth = authenticate(token)

    for change in (
        lambda: auth["limits"].update(seats=6),
        lambda: auth["limits"].__setitem__("seats", 6),
        lambda: auth["limits"]["names"].append("c"),
        lambda: auth["limits"]["names"][1].__setitem__("b", 1),
        lambda: auth.payload["limits"].pop("seats"),
        lambda: auth.payload.__setitem__("plan", "free"),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    _, later = authenticate(token)
    assert later["limits"] == {"seats": 5, "names": ("a", {"b": None})}


@pytest.mark.req("A12")
def test_later_change_by_host_is_ignored(make_key, make_token):
    mine = {"a": [1]}
    add(mine)
    issued = []

    def receive(**kwargs: Any) -> None:
        mine["a"].append(2)
        issued.append(kwargs)

    token_issued.connect(receive)
    token = make_token(make_key())

    assert len(issued) == 1
    _, auth = authenticate(token)
    assert auth["a"] == (1,)


@pytest.mark.req("A12")
def test_copy_of_token_is_itself(make_key, make_token):
    add(GOOD)
    _, auth = authenticate(make_token(make_key()))

    assert copy.deepcopy(auth) is auth
    assert copy.copy(auth)["limits"] is auth["limits"]


def test_inspect_token_prints_added_claims(make_key, make_token, monkeypatch):
    add(GOOD)
    token = make_token(make_key())
    printed = []

    for options in (["--json"], []):
        monkeypatch.setattr("sys.stdin", io.StringIO(token))
        out = io.StringIO()
        call_command("tot_jwt", "inspect_token", *options, stdout=out)
        printed.append(out.getvalue())

    shown = json.loads(printed[0])["claims"]
    assert {name: shown[name] for name in GOOD} == GOOD
    assert "gold" in printed[1]
    assert "mappingproxy" not in printed[1]
