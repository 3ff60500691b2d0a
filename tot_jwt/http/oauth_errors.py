"""What clients of the OAuth endpoints see of our exceptions (RFC 6749 §5.2).

Descriptions are constants. They have no quotes and no backslashes, which the RFC excludes.
"""

from rest_framework.exceptions import APIException

from tot_jwt import exceptions
from tot_jwt.exceptions import TotJWTError
from tot_jwt.http.errors import challenge, challenge_for
from tot_jwt.http.oauth import MalformedScope, UnsupportedGrantType

#: Reasons that the client can act on.
_DESCRIPTIONS = {
    "given_twice": "A parameter is repeated",
    "json_as_form": "The body is JSON, not a form",
    "method_not_allowed": "The only method is POST",
    "unsupported_media_type": "The body must be a form: application/x-www-form-urlencoded in UTF-8",
    "unsupported_authentication": (
        "The client must authenticate with HTTP Basic, or with client_id and client_secret in the "
        "form"
    ),
    "keys_in_query": "Credentials and tokens in the URL are not accepted",
    "no_authentication": "The request has no client authentication",
    "two_methods": "The client may authenticate in one way only",
}


class OAuthError(APIException):
    """One of our exceptions as an error response of OAuth, with its status and challenge fixed."""

    def __init__(self, error: TotJWTError) -> None:
        code, description = _describe(error)
        super().__init__({"error": code, "error_description": description}, code)
        self.status_code = _status(error)
        # DRF sends these two as WWW-Authenticate and Retry-After, if they are not None.
        self.auth_header = _challenge_for(error)
        self.wait: int | None = getattr(error, "retry_after", None)


def _describe(error: TotJWTError) -> tuple[str, str]:
    match error:
        case exceptions.InvalidCredentials():
            # The reasons of credentials that do not match look alike.
            failed = "Client authentication failed"
            return "invalid_client", _DESCRIPTIONS.get(error.reason, failed)
        case exceptions.InvalidToken():
            return "invalid_token", error.detail
        case exceptions.InsufficientScope():
            return "insufficient_scope", f"The client needs the scope {' '.join(error.required)}"
        case exceptions.InsufficientPermissions(reason="scope_not_held"):
            return "invalid_scope", "The client does not have the requested scope"
        case exceptions.InsufficientPermissions():
            return "unauthorized_client", "The client is not allowed to do this"
        case exceptions.TooManyRequests():
            return "slow_down", error.detail
        case exceptions.ServiceUnavailable():
            return "temporarily_unavailable", error.detail
        case UnsupportedGrantType() | MalformedScope():
            return error.code, error.detail
        case exceptions.InvalidFields():
            return "invalid_request", f"Missing parameter: {', '.join(error.errors)}"
    return "invalid_request", _DESCRIPTIONS.get(error.reason, error.detail)


def _status(error: TotJWTError) -> int:
    # §5.2 knows 400 and 401; the client is authenticated.
    return 400 if isinstance(error, exceptions.InsufficientPermissions) else error.status


def _challenge_for(error: TotJWTError) -> str | None:
    if isinstance(error, exceptions.InvalidCredentials):
        return challenge("Basic")
    return challenge_for(error)
