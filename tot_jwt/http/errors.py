"""The border to HTTP: what each of our errors looks like from outside, and the Bearer challenges of RFC 6750 §3."""

from typing import Any

from rest_framework.exceptions import APIException

from tot_jwt import exceptions
from tot_jwt.conf import settings
from tot_jwt.exceptions import TotJWTError

#: Seconds after which a client may ask again when the database does not answer.
RETRY_AFTER = 5

#: The most special class that an error is an instance of decides.
STATUS: dict[type[TotJWTError], int] = {
    exceptions.InvalidRequest: 400,
    exceptions.CredentialsRequired: 401,
    exceptions.InvalidCredentials: 401,
    exceptions.InvalidToken: 401,
    exceptions.InsufficientPermissions: 403,
    exceptions.InsufficientScope: 403,
    exceptions.EscalationRefused: 403,
    exceptions.ResourceNotFound: 404,
    exceptions.UnsupportedMethod: 405,
    exceptions.Conflict: 409,
    exceptions.RequestTooLarge: 413,
    exceptions.UnsupportedContentType: 415,
    exceptions.TooManyRequests: 429,
    exceptions.ServiceUnavailable: 503,
}


class ApiError(APIException):
    """One of our errors as DRF understands it, its status and challenge fixed.

    Not an AuthenticationFailed: DRF turns that into 403, or gives it the challenge of whichever class stands first.
    """

    def __init__(self, error: TotJWTError) -> None:
        body: dict[str, Any] = {"detail": error.detail, "code": error.code}
        super().__init__(
            error.errors if isinstance(error, exceptions.InvalidFields) else body, error.code
        )
        self.status_code = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        self.auth_header = _challenge_for(error)
        self.wait = _wait_for(error)


def challenge(**parameters: str) -> str:
    """A ``WWW-Authenticate`` value: the scheme, the realm and the parameters given."""
    quoted = (
        f'{name}="{_escape(value)}"'
        for name, value in {"realm": settings.REALM, **parameters}.items()
    )
    return f"Bearer {', '.join(quoted)}"


def _challenge_for(error: TotJWTError) -> str | None:
    match error:
        case exceptions.InvalidToken():
            return challenge(error="invalid_token", error_description=error.detail)
        case exceptions.InsufficientScope():
            return challenge(error="insufficient_scope", scope=" ".join(error.required))
        case exceptions.CredentialsRequired() | exceptions.InvalidCredentials():
            return challenge()
    return None


def _wait_for(error: TotJWTError) -> int | None:
    """The seconds of ``Retry-After``."""
    match error:
        case exceptions.TooManyRequests():
            return error.retry_after
        case exceptions.ServiceUnavailable():
            return RETRY_AFTER
    return None


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"")
