"""Every exception that tot-jwt raises on purpose.

::

    TotJWTError
    ├── InvalidRequest              400  the body or the query has the wrong format
    │   ├── InvalidFields           400  … in one or more of its fields
    │   └── LengthRequired 411, RequestTooLarge 413, UnsupportedContentType 415
    ├── UnsupportedMethod           405
    ├── CredentialsRequired         401  the request carries no token
    ├── InvalidCredentials          401  the API keys are wrong, or not usable
    ├── InvalidToken                401  the token does not verify
    │   └── MalformedToken, ExpiredToken, RevokedToken
    ├── InsufficientPermissions     403  the credentials are right, but do not allow this
    ├── InsufficientScope           403  the client lacks a scope that the view requires
    ├── EscalationRefused           403  a rule of `tot_jwt.access.escalation` refused
    │   ├── ScopesExceedCaller, ExpiryExceedsCaller, AddressesExceedCaller
    │   └── KeyExceedsCaller, KeyNotYours, KeyCreationNotAllowed, SecretRequired
    ├── ResourceNotFound            404  no such key within the caller's reach
    ├── Conflict                    409  the key's state does not allow this
    │   └── KeyIsRevoked, PreviousSecretStillValid, LastActiveKey, TooManyKeys
    ├── TooManyRequests             429  a rate limit is exceeded
    ├── ServiceUnavailable          503  the database is unavailable, or TOKEN_CLAIMS failed
    ├── RecordIsPermanent           500  code tried to change or delete a KeyEvent
    └── InvalidValue                500  a domain, scope, address or key cannot be stored

``status``, ``code`` and ``detail`` are public, constant and never translated: clients see them.
``reason`` is private: it goes to the log and to signals, and never holds a secret.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class TotJWTError(Exception):
    """The root: catch this to catch every exception of the package."""

    #: The HTTP status. 500 marks a bug, which Django reports: no client sees the exception.
    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    detail: ClassVar[str] = "Error"

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or self.code
        super().__init__(self.reason)


class InvalidRequest(TotJWTError):
    """The body or the query does not have the documented format."""

    status, code, detail = 400, "malformed_request", "Malformed request"


class InvalidFields(InvalidRequest):
    """Errors by field, in DRF's shape: ``{"appDomain": ["This field is required."]}``."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("invalid_fields")


class LengthRequired(InvalidRequest):
    """The body has no length, and the server does not pass it on to Django."""

    status, code, detail = 411, "length_required", "Content-Length is required"


class RequestTooLarge(InvalidRequest):
    """The body is longer than the endpoint accepts."""

    status, code, detail = 413, "request_too_large", "Request body is too large"


class UnsupportedContentType(InvalidRequest):
    """The endpoint does not accept the body's content type or charset."""

    status, code, detail = 415, "unsupported_media_type", "Unsupported media type"


class UnsupportedMethod(TotJWTError):
    """The endpoint does not know the HTTP method."""

    status, code, detail = 405, "method_not_allowed", "Method not allowed"


class CredentialsRequired(TotJWTError):
    """The request carries no token."""

    status, code, detail = 401, "not_authenticated", "Authentication credentials were not provided."


class InvalidCredentials(TotJWTError):
    """The API keys are wrong, or the key is not usable. The response never says which."""

    status, code, detail = 401, "invalid_credentials", "Invalid credentials"


class InvalidToken(TotJWTError):
    """The token's signature, header or claims are wrong."""

    status, code, detail = 401, "token_invalid", "Token is invalid"


class MalformedToken(InvalidToken):
    """The string does not have the form of a token."""

    code, detail = "token_malformed", "Token is malformed"


class ExpiredToken(InvalidToken):
    """The token is past its `exp`."""

    code, detail = "token_expired", "Token has expired"


class RevokedToken(InvalidToken):
    """The token's key or domain no longer allows it."""

    code, detail = "token_revoked", "Token has been revoked"


class InsufficientPermissions(TotJWTError):
    """The credentials are right, but do not allow this."""

    status, code, detail = 403, "insufficient_permissions", "API key lacks necessary permissions"


class InsufficientScope(TotJWTError):
    """The client lacks a scope. ``required`` lists those that the view needs (RFC 6750 §3.1)."""

    status, code = 403, "insufficient_scope"
    detail = "The request requires higher privileges than provided by the access token"

    def __init__(self, required: Iterable[str]) -> None:
        self.required = tuple(required)
        super().__init__()


class EscalationRefused(TotJWTError):
    """A rule of `tot_jwt.access.escalation` refused the call."""

    status, code, detail = 403, "escalation_refused", "The caller may not do this"


class ScopesExceedCaller(EscalationRefused):
    """A key would get scopes that the caller does not have."""

    code, detail = "scopes_exceed_caller", "The scopes exceed those of the caller's token and key"


class ExpiryExceedsCaller(EscalationRefused):
    """A key would expire later than the caller's."""

    code, detail = "expiry_exceeds_caller", "The API key would outlive the caller's"


class AddressesExceedCaller(EscalationRefused):
    """A key would work from addresses from which the caller's does not."""

    code, detail = "addresses_exceed_caller", "The addresses exceed those of the caller's API key"


class KeyExceedsCaller(EscalationRefused):
    """The key has scopes that the caller does not have."""

    code, detail = "key_exceeds_caller", "The API key has scopes that the caller does not have"


class SecretRequired(EscalationRefused):
    """The rotation needs the key's current secret."""

    code, detail = "secret_required", "The API key's current secret is required"


class KeyNotYours(EscalationRefused):
    """The caller did not create the key, and the change does more than narrow it."""

    code = "key_not_yours"
    detail = "The caller may not do this to an API key that it did not create"


class KeyCreationNotAllowed(EscalationRefused):
    """The caller's key was created with a token: it cannot create or act on other keys."""

    code = "key_creation_not_allowed"
    detail = "An API key created with a token cannot create keys, and can act only on itself"


class ResourceNotFound(TotJWTError):
    """No such key, page or endpoint exists within the caller's reach."""

    status, code, detail = 404, "not_found", "Not found"


class Conflict(TotJWTError):
    """Another transaction is changing the key."""

    status, code, detail = 409, "conflict", "Another request is changing the API key"


class KeyIsRevoked(Conflict):
    """The key is revoked: it cannot be changed."""

    code, detail = "key_revoked", "The API key has been revoked"


class PreviousSecretStillValid(Conflict):
    """The grace period of the last rotation has not ended."""

    code = "previous_secret_still_valid"
    detail = "The previous secret is still valid; graceSeconds 0 ends both"


class LastActiveKey(Conflict):
    """The domain and environment would have no active key left."""

    code = "last_active_key"
    detail = "This is the domain's last active API key; force=true revokes it"


class TooManyKeys(Conflict):
    """The domain and environment have MAX_ACTIVE_KEYS_PER_DOMAIN active keys."""

    code, detail = "too_many_keys", "The domain has reached its limit of active API keys"


class TooManyRequests(TotJWTError):
    """A rate limit is exceeded. ``retry_after`` is in seconds."""

    status, code, detail = 429, "throttled", "Too many requests"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


class ServiceUnavailable(TotJWTError):
    """The database is unavailable, or TOKEN_CLAIMS failed. ``retry_after`` is in seconds."""

    status, code, detail = 503, "service_unavailable", "Service temporarily unavailable"
    retry_after: ClassVar[int] = 5


class RecordIsPermanent(TotJWTError):
    """Code tried to change or delete a KeyEvent."""

    code, detail = "record_is_permanent", "Key events cannot be changed or deleted"


class InvalidValue(TotJWTError, ValueError):
    """A value that a person entered cannot be stored; ``message`` is translatable and says why."""

    code, detail = "invalid", "Invalid value"

    def __init__(self, message: "str | _StrPromise") -> None:
        self.message = message
        super().__init__(str(message))
