"""A valid request that tests make invalid, and assertions about the response."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.requests import JSON, TOKEN_URL, body
from tot_jwt import exceptions
from tot_jwt.exceptions import TotJWTError
from tot_jwt.models import ApiKey, KeyEvent

#: Text that requests contain and responses must not repeat.
MARKER = "zebra7"

Expected = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Good:
    """A key with a token, and what it sends in a valid request."""

    key: Any
    token: str

    @property
    def domain(self) -> str:
        return str(self.key.app_domain.domain)

    @property
    def public_key(self) -> str:
        return str(self.key.public_key)

    @property
    def secret(self) -> str:
        return str(self.key.secret)

    @property
    def json(self) -> bytes:
        """The body of an exchange."""
        return self.json_with()

    @property
    def form(self) -> bytes:
        return urlencode(body(self.key)).encode()

    @property
    def headers(self) -> dict[str, str]:
        """The keys as headers."""
        return {
            "Tot-App-Domain": self.domain,
            "Tot-Api-Key": self.public_key,
            "Tot-Secret-Key": self.secret,
        }

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def json_with(self, **members: Any) -> bytes:
        """Return the body with members replaced or added."""
        return json.dumps(body(self.key, **members)).encode()

    def json_and(self, text: str) -> bytes:
        """Return the body with more members, given as JSON text, before the valid ones."""
        return b"{" + text.encode() + b", " + self.json[1:]


def send(
    method: str = "GET",
    path: str = TOKEN_URL,
    sent: bytes = b"",
    content_type: str = JSON,
    headers: Mapping[str, str] | None = None,
    **environ: Any,
) -> Any:
    """Return the response to a request as a WSGI server passes it on.

    Django's test client would repair some of what is sent.
    """
    given = {"CONTENT_TYPE": content_type, "wsgi.input": BytesIO(sent), **environ}
    return Client().generic(method, path, sent, headers=headers, **given)


def error(status: int, code: str) -> Expected:
    """Return the expected status and body of the error with this code."""
    return status, {"detail": DETAILS[code], "code": code}


def fault(*names: str, told: str) -> Expected:
    """Return the expected status and body of a 400 that reports each of these fields."""
    return 400, {name: [told] for name in names}


def rows(table: Mapping[str, tuple[Any, ...]]) -> Iterable[Any]:
    """Return the rows of a table as parameters of a test, with their names as ids."""
    return [pytest.param(*row, id=name) for name, row in table.items()]


def refused(answer: Any, expected: Expected, good: Good) -> bool:
    """Assert that the response is exactly this and repeats nothing that was sent."""
    assert (answer.status_code, answer.json()) == expected
    for sent in (good.secret, good.public_key, good.token, MARKER):
        assert sent.encode() not in answer.serialize()
    return True


def refused_by_us(answer: Any, expected: Expected, good: Good) -> bool:
    """Assert the same of an endpoint, whose responses are also JSON that caches must not store."""
    assert answer.headers["Content-Type"] == JSON
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    return refused(answer, expected, good)


def stored() -> list[Any]:
    """Return all rows that a request could have changed, without the times of use."""
    times = {"last_used_at", "previous_secret_last_used_at", "secret_last_used_at"}
    names = [field.attname for field in ApiKey._meta.concrete_fields if field.attname not in times]
    return [*ApiKey.objects.order_by("pk").values(*names), KeyEvent.objects.count()]


DETAILS = {
    kind.code: kind.detail
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, TotJWTError)
}
MALFORMED = error(400, "malformed_request")
INVALID = error(401, "invalid_credentials")
FORBIDDEN = error(403, "insufficient_permissions")
UNSUPPORTED = error(415, "unsupported_media_type")
TOO_LARGE = error(413, "request_too_large")
LENGTH_REQUIRED = error(411, "length_required")
NOT_FOUND = error(404, "not_found")
NOT_ALLOWED = error(405, "method_not_allowed")
NOT_AUTHENTICATED = error(401, "not_authenticated")
TOKEN_MALFORMED = error(401, "token_malformed")
TOKEN_INVALID = error(401, "token_invalid")
TOKEN_REVOKED = error(401, "token_revoked")
#: DRF's response if no authentication class found credentials.
ANONYMOUS: Expected = (401, {"detail": DETAILS["not_authenticated"]})
