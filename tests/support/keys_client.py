"""A client of the keys endpoints."""

from typing import Any
from urllib.parse import quote, urlencode

from django.test import Client

from tests.support.requests import TOKEN_URL, body

KEYS_URL = "/api/internal/auth/keys"


class KeysClient:
    """A client with one token, or anonymous. Each call returns Django's response."""

    def __init__(self, token: str | None = None, **defaults: Any) -> None:
        self.client = Client(**defaults)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def send(self, method: str, url: str, sent: Any = None) -> Any:
        call = getattr(self.client, method)
        if sent is None:
            return call(url, headers=self.headers)
        return call(url, sent, content_type="application/json", headers=self.headers)

    def list(self, **query: Any) -> Any:
        return self.send("get", KEYS_URL + _query(query))

    def create(self, **members: Any) -> Any:
        return self.send("post", KEYS_URL, {"name": "New", "scopes": [], **members})

    def show(self, key: Any) -> Any:
        return self.send("get", url_of(key))

    def usage(self, key: Any, **query: Any) -> Any:
        return self.send("get", f"{url_of(key)}/usage" + _query(query))

    def change(self, key: Any, **members: Any) -> Any:
        return self.send("patch", url_of(key), members)

    def rotate(self, key: Any, **members: Any) -> Any:
        return self.send("post", url_of(key) + "/rotate", members)

    def revoke(self, key: Any, **query: Any) -> Any:
        return self.send("delete", url_of(key) + _query(query))


def client_of(key: Any, **members: Any) -> KeysClient:
    """Return a client with a new token of the key, from the endpoint."""
    answer = Client().post(TOKEN_URL, body(key, **members), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return KeysClient(answer.json()["token"])


def url_of(key: Any) -> str:
    """Return the URL of a key, given as ApiKey or as public key."""
    return f"{KEYS_URL}/{quote(getattr(key, 'public_key', key), safe='')}"


def code_of(answer: Any) -> tuple[int, str]:
    """Return the status and the code of a response."""
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


def _query(query: dict[str, Any]) -> str:
    return f"?{urlencode(query)}" if query else ""
