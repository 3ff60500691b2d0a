"""The responses to tokens that are not accepted."""

from typing import Any

DETAILS = {
    "token_malformed": "Token is malformed",
    "token_invalid": "Token is invalid",
    "token_expired": "Token has expired",
    "token_revoked": "Token has been revoked",
}


def assert_token_error(answer: Any, code: str) -> None:
    """Assert that the response is the 401 with this code, and has its challenge."""
    detail = DETAILS[code]
    assert (answer.status_code, answer.json()) == (401, {"detail": detail, "code": code})
    challenge = f'Bearer realm="api", error="invalid_token", error_description="{detail}"'
    assert answer.headers["WWW-Authenticate"] == challenge
