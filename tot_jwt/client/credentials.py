"""What a client sends for a token, and under which key a cache stores that token."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tot_jwt.client.redacted import Redacted


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key, where to exchange it, and the scopes to ask for (None: all of the key's)."""

    token_url: str
    app_domain: str
    api_key: str
    secret_key: Redacted
    scopes: tuple[str, ...] | None

    def body(self) -> bytes:
        """Return the body of the exchange. It holds the secret: never keep it."""
        return json.dumps(self._members()).encode()

    def cache_key(self) -> str:
        """Return a key that another secret or other scopes do not have. It shows nothing."""
        text = json.dumps([self.token_url, self._members()], sort_keys=True)
        return f"tot-jwt-{hashlib.sha256(text.encode()).hexdigest()}"

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "appDomain": self.app_domain,
            "totApiKey": self.api_key,
            "totSecretKey": self.secret_key.reveal(),
        }
        return members if self.scopes is None else members | {"scopes": self.scopes}


def scopes_of(scopes: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the scopes in a constant order. A string is a list separated by spaces."""
    if scopes is None:
        return None
    return tuple(sorted(set(scopes.split() if isinstance(scopes, str) else scopes)))
