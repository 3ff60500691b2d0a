"""Requests with tokens of all kinds, and what clients see of the answers."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.support.requests import bearer, key_headers
from tests.support.tokens import claims_for, sign
from tot_jwt.keys import lifecycle

HEADERS = ["WWW-Authenticate", "Retry-After", "Content-Type", "Cache-Control"]


def all_kinds(
    make_key: Callable[..., Any], make_token: Callable[..., str]
) -> dict[str, dict[str, str]]:
    """Return name → headers of requests that are answered differently."""
    key, elsewhere = make_key(scopes=["orders:read"]), make_key(allowed_ips=["192.0.2.1"])
    revoked, token = make_key(scopes=["orders:read"]), make_token(key)
    revoked_token = make_token(revoked)
    lifecycle.revoke_key(revoked)
    return {
        "nothing": {},
        "basic": {"Authorization": "Basic dXNlcjpwYXNz"},
        "empty": bearer(""),
        "opaque": bearer("opaque"),
        "foreign": bearer(sign({"token_type": "access"})),
        "malformed": bearer(f"{token}="),
        "forged": bearer(sign(claims_for(key), key=b"x" * 32)),
        "expired": bearer(sign(claims_for(key, iat=1, exp=2))),
        "revoked": bearer(revoked_token),
        "elsewhere": bearer(sign(claims_for(elsewhere))),
        "without scope": bearer(make_token(make_key(scopes=["catalog:read"]))),
        "two methods": bearer(token) | key_headers(key),
        "good": bearer(token),
    }


def seen(answer: Any) -> tuple[Any, ...]:
    """Return what a client sees of an answer, and a cache."""
    headers = {name: answer.headers.get(name) for name in HEADERS}
    media_type = str(headers.pop("Content-Type")).partition(";")[0]
    varies = "Authorization" in answer.headers["Vary"]
    return answer.status_code, answer.json(), media_type, headers, varies


def both_ways(client: Client, async_client: AsyncClient) -> Callable[..., list[Any]]:
    """``ask("/orders", headers={…})``: get it by WSGI and by ASGI, and return both answers."""

    def ask(url: str, **options: Any) -> list[Any]:
        async_client.raise_request_exception = client.raise_request_exception
        return [client.get(url, **options), async_to_sync(async_client.get)(url, **options)]

    return ask
