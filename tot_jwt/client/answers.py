"""The API's answers: a token, an error, or that a token has ended."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from tot_jwt.client.exceptions import (
    InsufficientPermissions,
    InvalidCredentials,
    InvalidRequest,
    TokenError,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from tot_jwt.client.redacted import Redacted

REDIRECTS = "The token URL redirects. If you trust the other URL, use it as the token URL."
_OTHER_URL = "The token URL asks for a token. Is it the URL of POST token?"
#: In bytes. A token has at most 4,096.
MAX_BODY = 65_536
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}\Z")
_SECONDS = re.compile(r"[0-9]{1,9}\Z")
_MAX_LIFE = 10**9
#: The codes of a 401 after which another token helps, and the details that belong to them.
_ENDED = {"token_expired": "Token has expired", "token_revoked": "Token has been revoked"}
_DESCRIPTION = re.compile(r'error_description="([^"]*)"')
_FIELDS = ("appDomain", "totApiKey", "totSecretKey", "scopes")

_ERRORS: dict[int, tuple[type[TokenError], str]] = {
    400: (InvalidRequest, "The API does not accept the request for a token"),
    401: (InvalidCredentials, "The API does not accept the domain, the API key or its secret"),
    403: (
        InsufficientPermissions,
        "The API key may not issue tokens, lacks a scope, or does not allow this address",
    ),
    429: (TooManyRequests, "The API accepts no more requests for a token at the moment"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the token URL. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, and the seconds that it lives."""

    token: Redacted
    life: int


def grant_from(answer: Answer) -> Grant | None:
    """Return the token of an answer, or None if it does not have the documented format."""
    if answer.status != 200 or len(answer.body) > MAX_BODY:
        return None
    members = members_of(answer.body)
    return grant_of(members.get("token"), members.get("expiresIn"))


def grant_of(token: object, life: object) -> Grant | None:
    """Return the token with its life, or None if one of them is not valid."""
    if not isinstance(token, str) or not _TOKEN.match(token):
        return None
    if type(life) is not int or not 0 < life <= _MAX_LIFE:
        return None
    return Grant(Redacted(token), life)


def error_from(answer: Answer, now: float) -> TokenError:
    """Return the exception for an answer without a token. ``now`` is in seconds since 1970."""
    status = answer.status
    wait = _retry_after(answer.headers, now)
    if status >= 500:
        message = f"The API cannot issue a token at the moment: HTTP {status}"
        return Unavailable(message, status=status, retry_after=wait)
    if status not in _ERRORS:
        return UnexpectedAnswer(_unexpected(status), status=status)
    members = members_of(answer.body)
    if status == 401 and members.get("code") not in (None, "invalid_credentials"):
        return UnexpectedAnswer(_OTHER_URL, status=status)
    kind, message = _ERRORS[status]
    if fields := [name for name in _FIELDS if name in members]:
        message = f"{message}: {', '.join(fields)}"
    return kind(message, status=status, retry_after=wait)


def has_ended(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a 401 says that the token has expired or has been revoked."""
    code = members_of(body).get("code")
    if isinstance(code, str):
        return code in _ENDED
    description = _DESCRIPTION.search(headers.get("www-authenticate", ""))
    return description is not None and description[1] in _ENDED.values()


def _unexpected(status: int) -> str:
    if 300 <= status < 400:
        return REDIRECTS
    return f"The token URL does not answer with a token: HTTP {status}"


def members_of(body: str | bytes) -> dict[str, Any]:
    """Return the members of a JSON object, none for any other body."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _retry_after(headers: Mapping[str, str], now: float) -> int | None:
    """Return the seconds of Retry-After (RFC 9110 §10.2.3), None if there are no valid ones."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.match(text):
        return int(text)
    moment = _moment(text)
    if moment is None:
        return None
    # The API's own clock, if the answer tells it: the client's may be wrong.
    present = _moment(headers.get("date", ""))
    return max(math.ceil(moment - (now if present is None else present)), 0)


def _moment(date: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date, or None."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
