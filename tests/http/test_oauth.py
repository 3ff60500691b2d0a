"""Every exception of the package as an error of OAuth (RFC 6749 §5.2)."""

import json
import re
from typing import Any

import pytest
from rest_framework.renderers import JSONRenderer
from rest_framework.views import exception_handler

from tot_jwt import exceptions
from tot_jwt.exceptions import InsufficientScope, InvalidFields, TooManyRequests, TotJWTError
from tot_jwt.http.oauth import MalformedScope, UnsupportedGrantType
from tot_jwt.http.oauth_errors import OAuthError

#: The errors of RFC 6749 and RFC 6750. `slow_down` is from RFC 8628 §3.5.
REGISTERED = {
    "invalid_request",
    "invalid_client",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_token",
    "insufficient_scope",
    "temporarily_unavailable",
    "slow_down",
}
#: The characters that §5.2 allows in both members.
ALLOWED = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")

ARGUMENTS: dict[type, list[Any]] = {
    InsufficientScope: [["orders:read"]],
    InvalidFields: [{"token": ["zebra7"]}],
    TooManyRequests: [7],
}
ERRORS = [
    kind(*ARGUMENTS.get(kind, []))
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, TotJWTError) and kind.status != 500
] + [MalformedScope(), UnsupportedGrantType()]


@pytest.mark.req("C5")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_exception_has_oauths_format(error):
    answer = exception_handler(OAuthError(error), {})
    body = json.loads(JSONRenderer().render(answer.data))

    assert list(body) == ["error", "error_description"]
    assert body["error"] in REGISTERED
    assert ALLOWED.fullmatch(body["error_description"])
    assert "zebra7" not in str(body)
    assert 400 <= answer.status_code <= 503
    assert ("WWW-Authenticate" in answer.headers) >= (answer.status_code == 401)


@pytest.mark.req("E3")
def test_private_reason_is_not_shown():
    """The reason of a failure is for the log. Only some reasons have a description."""
    error = exceptions.InvalidRequest("zebra7")

    assert "zebra7" not in str(OAuthError(error).detail)
    assert OAuthError(error).detail["error_description"] == "Malformed request"


@pytest.mark.parametrize(("error", "wait"), [(TooManyRequests(7), "7"), (TotJWTError(), None)])
def test_wait_becomes_retry_after(error, wait):
    assert exception_handler(OAuthError(error), {}).headers.get("Retry-After") == wait
