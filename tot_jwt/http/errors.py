"""What clients see of our exceptions: status, body, and the Bearer challenge (RFC 6750 §3)."""

from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail

from tot_jwt import exceptions
from tot_jwt.conf import settings
from tot_jwt.exceptions import TotJWTError


class ApiError(APIException):
    """One of our exceptions as DRF's, with its status and challenge fixed.

    It is not an AuthenticationFailed: DRF turns that into 403 or replaces its challenge,
    depending on which authentication class stands first in the view.
    """

    def __init__(self, error: TotJWTError) -> None:
        super().__init__(body_of(error), error.code)
        if not isinstance(error, exceptions.InvalidFields):
            members: Any = self.detail
            members["code"] = _CodeMember(error.code, error.code)
        self.status_code = error.status
        # DRF sends these two as WWW-Authenticate and Retry-After, if they are not None.
        self.auth_header = challenge_for(error)
        self.wait: int | None = getattr(error, "retry_after", None)


class _CodeMember(ErrorDetail):
    """The member `code` of a body. The same text as before, but not another error."""

    # drf-standardized-errors makes one error of each member that is true, with the code of that
    # member. `detail` has the code already.
    def __bool__(self) -> bool:
        return False


def challenge(scheme: str = "Bearer", **parameters: str) -> str:
    """Return a ``WWW-Authenticate`` value: the scheme, the realm and these parameters."""
    members = {"realm": settings.REALM, **parameters}
    quoted = (f'{name}="{_escape(value)}"' for name, value in members.items())
    return f"{scheme} {', '.join(quoted)}"


def challenge_for(error: TotJWTError) -> str | None:
    """Return the Bearer challenge of an exception, or None (RFC 6750 §3)."""
    match error:
        case exceptions.InvalidToken():
            return challenge(error="invalid_token", error_description=error.detail)
        case exceptions.InsufficientScope():
            return challenge(error="insufficient_scope", scope=" ".join(error.required))
        case exceptions.CredentialsRequired() | exceptions.InvalidCredentials():
            return challenge()
    return None


def body_of(error: TotJWTError) -> Any:
    """Return the JSON body of an exception."""
    if isinstance(error, exceptions.InvalidFields):
        return error.errors
    return {"detail": error.detail, "code": error.code}


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"")
