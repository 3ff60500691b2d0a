"""Every call of the keys endpoints, for what holds for all of them."""

from collections.abc import Iterator
from typing import Any

from tests.support.keys_client import KEYS_URL, KeysClient, url_of

#: The members of a key in an answer, in order.
MEMBERS = [
    "totApiKey",
    "appDomain",
    "environment",
    "name",
    "scopes",
    "status",
    "secretHint",
    "allowedIps",
    "canIssueTokens",
    "disabled",
    "rateLimit",
    "metadata",
    "createdAt",
    "createdBy",
    "expiresAt",
    "lastUsedAt",
    "previousSecretExpiresAt",
]
NOT_FOUND = b'{"detail":"Not found","code":"not_found"}'


def every_call(api: KeysClient, key: Any) -> Iterator[Any]:
    """Yield one answer of each endpoint; the last call revokes the key."""
    yield api.list()
    yield api.create()
    yield api.show(key)
    yield api.usage(key)
    yield api.change(key, name="x")
    yield api.rotate(key)
    yield api.revoke(key)


def calls_with_body(key: Any) -> list[tuple[str, str]]:
    """Return method and URL of each call that reads a body."""
    return [("post", KEYS_URL), ("patch", url_of(key)), ("post", url_of(key) + "/rotate")]
