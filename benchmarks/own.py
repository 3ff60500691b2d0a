"""The operations of tot_jwt as subjects to measure."""

import json
from collections.abc import Iterator
from itertools import cycle

from django.conf import settings

from benchmarks import tables
from benchmarks.timing import Request, Subject, request
from benchmarks.urls import EmptyView, protected
from tot_jwt.api.token import TokenView
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.principal import ApiClient
from tot_jwt.tokens import ApiToken

JSON = "application/json"


def subjects(rows: list[int], keys: int) -> list[Subject]:
    """Return all operations, with the keys of these rows of a file with this number of keys."""
    name = "tot-jwt" if settings.TOT_JWT["KEY_STATE_MAX_AGE"] else "tot-jwt, KEY_STATE_MAX_AGE = 0"
    with_token = [with_bearer(token(row, keys)) for row in rows]
    exchange = [post(credentials(row, keys)) for row in rows]
    direct = [post({**credentials(row, keys), "userId": 42}) for row in rows]
    wrong_token = with_bearer(altered(token(rows[0], keys)))
    wrong_secret = post({**credentials(rows[0], keys), "totSecretKey": altered(tables.SECRET)})
    by_token, by_keys, exchanging = (
        protected(JWTAuthentication),
        protected(ApiKeyAuthentication),
        TokenView.as_view(),
    )
    return [
        Subject("Authenticate", name, by_token, with_token, wrong_token),
        Subject(
            "Authenticate, first sight of a token",
            name,
            by_token,
            with_token,
            wrong_token,
            unseen(rows, keys),
        ),
        Subject("Exchange keys for a token", name, exchanging, exchange, wrong_secret),
        Subject("Verify a token", name, exchanging, with_token, wrong_token),
        Subject("Authenticate with keys", name, by_keys, direct, wrong_secret),
    ]


def empty() -> Subject:
    """Return the subject with which all others are compared."""
    return Subject("Nothing", "empty view", EmptyView.as_view(), [with_bearer("x")] * 32, None)


def token(row: int, keys: int) -> str:
    """Return a new token, as the exchange issues it."""
    scopes = frozenset({"orders:read", "keys:manage"})
    client = ApiClient(tables.public_key(row, keys), tables.domain(row), row, "live", scopes)
    raw, _ = ApiToken.issue(client, generation=1)
    return raw


def unseen(rows: list[int], keys: int) -> Iterator[Request]:
    """Return an endless iterator of requests with new tokens."""
    return (with_bearer(token(row, keys)) for row in cycle(rows))


def credentials(row: int, keys: int) -> dict[str, object]:
    """Return the members of a body that hold the API key of this row."""
    return {
        "appDomain": tables.domain(row),
        "totApiKey": tables.public_key(row, keys),
        "totSecretKey": tables.SECRET,
    }


def with_bearer(raw: str) -> Request:
    """Return a request with this token."""
    return request(authorization=f"Bearer {raw}")


def post(data: object) -> Request:
    """Return a request with this JSON."""
    return request("POST", body=json.dumps(data).encode(), type=JSON)


def altered(credential: str) -> str:
    """Return the credential with one character changed, the tenth from the end."""
    return credential[:-10] + ("x" if credential[-10] != "x" else "y") + credential[-9:]
