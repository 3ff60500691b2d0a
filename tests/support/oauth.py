"""Requests to the OAuth endpoints as clients send them, and the format of their responses."""

import json
import re
from base64 import b64encode
from io import BytesIO
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.test import Client

from tests.support.requests import FORM, JSON

TOKEN = "/oauth/token"
INTROSPECT = "/oauth/introspect"
REVOKE = "/oauth/revoke"
ENDPOINTS = (TOKEN, INTROSPECT, REVOKE)
WELL_KNOWN = "/.well-known/"

#: The scope of clients that may introspect.
MAY_INTROSPECT = "tokens:introspect"
#: What each endpoint needs beside the credentials. The value of `token` is not a token.
NEEDED = {
    TOKEN: {"grant_type": "client_credentials"},
    INTROSPECT: {"token": "x"},
    REVOKE: {"token": "x"},
}

#: The responses that tests compare: status and error.
INVALID_CLIENT = (401, "invalid_client")
INVALID_REQUEST = (400, "invalid_request")
INVALID_SCOPE = (400, "invalid_scope")
UNAUTHORIZED = (400, "unauthorized_client")
SLOW_DOWN = (429, "slow_down")
UNAVAILABLE = (503, "temporarily_unavailable")

# RFC 6749 §5.2
_DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic, with both form-urlencoded (RFC 6749 §2.3.1)."""
    return raw_basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")


def raw_basic(text: str) -> dict[str, str]:
    """Return the header of HTTP Basic for exactly this text."""
    return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}


def basic_of(key: Any) -> dict[str, str]:
    """Return the header of HTTP Basic for the key."""
    return basic(key.public_key, key.secret)


def form_of(key: Any) -> dict[str, str]:
    """Return the parameters with which the key authenticates in the body."""
    return {"client_id": key.public_key, "client_secret": key.secret}


def post(url: str, sent: Any = None, headers: dict[str, str] | None = None, **environ: Any) -> Any:
    """Return the response to a form: bytes as they are, or parameters.

    Parameters are added to those that the endpoint needs. One that is None is left out.
    """
    if not isinstance(sent, bytes):
        given = {**NEEDED[url.partition("?")[0]], **(sent or {})}
        sent = urlencode([pair for pair in given.items() if pair[1] is not None]).encode()
    environ = {"CONTENT_TYPE": FORM, "wsgi.input": BytesIO(sent), **environ}
    return Client().generic("POST", url, sent, headers=headers, **environ)


def members_of(answer: Any) -> dict[str, Any]:
    """Return the members of a success, which caches must not store."""
    assert answer.status_code == 200, answer.content
    _assert_private_json(answer)
    members: dict[str, Any] = answer.json()
    return members


def token_of(key: Any, **parameters: Any) -> str:
    """Return a new token of the key from the OAuth endpoint."""
    return str(members_of(post(TOKEN, parameters, basic_of(key)))["access_token"])


def error_of(answer: Any) -> tuple[int, str]:
    """Return status and error of a response that has the format of RFC 6749 §5.2."""
    _assert_private_json(answer)
    body = json.loads(answer.content)
    assert list(body) == ["error", "error_description"]
    assert _DESCRIPTION.fullmatch(body["error_description"])
    return answer.status_code, body["error"]


def description_of(answer: Any) -> str:
    """Return the description of an error."""
    return str(answer.json()["error_description"])


def _assert_private_json(answer: Any) -> None:
    headers = answer.headers
    assert headers["Content-Type"] == JSON
    assert (headers["Cache-Control"], headers["Pragma"]) == ("no-store", "no-cache")
    assert "Location" not in headers
    assert not answer.cookies
