"""Everything that tot-jwt raises on purpose.

::

    TotJWTError
    ├── InvalidRequest              the body or the query is not what the contract asks for
    │   ├── InvalidFields           … one or more of its fields
    │   ├── RequestTooLarge
    │   └── UnsupportedContentType
    ├── UnsupportedMethod
    ├── CredentialsRequired            no credentials where a token must be
    ├── InvalidCredentials          the API keys do not match, for whatever reason
    ├── InvalidToken                the token does not verify
    │   ├── MalformedToken
    │   ├── ExpiredToken
    │   └── RevokedToken
    ├── InsufficientPermissions     the credentials are right, but this is not allowed
    ├── InsufficientScope           the client holds too few scopes for a view
    ├── TooManyRequests                   too often
    ├── ServiceUnavailable          the database does not answer
    ├── ResourceNotFound                    no such key within the caller's reach
    ├── Conflict                    the key is not in a state for this
    │   ├── KeyIsRevoked            … it stays as it is
    │   ├── PreviousSecretStillValid
    │   ├── LastActiveKey
    │   └── TooManyKeys
    ├── EscalationRefused           a rule of `tot_jwt.escalation`
    │   ├── ScopesExceedCaller
    │   ├── ExpiryExceedsCaller
    │   ├── AddressesExceedCaller
    │   ├── KeyExceedsCaller
    │   ├── SecretRequired
    │   ├── KeyNotYours
    │   └── KeyCreationNotAllowed
    ├── RecordIsPermanent           somebody tried to change or delete a KeyEvent
    └── InvalidValue                a domain, scope, address or key that cannot be stored

``code`` and ``detail`` are public, constant and never translated: they go out on the wire.
``reason`` is private: it goes to the log and to signals, and never holds a secret.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class TotJWTError(Exception):
    """The root; catch this to catch all."""

    code: ClassVar[str] = "error"
    detail: ClassVar[str] = "Error"

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or self.code
        super().__init__(self.reason)


class InvalidRequest(TotJWTError):
    code = "malformed_request"
    detail = "Malformed request"


class InvalidFields(InvalidRequest):
    """Faults by field, in DRF's shape: ``{"appDomain": ["This field is required."]}``."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("invalid_fields")


class RequestTooLarge(InvalidRequest):
    code = "request_too_large"
    detail = "Request body is too large"


class UnsupportedContentType(InvalidRequest):
    code = "unsupported_media_type"
    detail = "Unsupported media type"


class UnsupportedMethod(TotJWTError):
    code = "method_not_allowed"
    detail = "Method not allowed"


class CredentialsRequired(TotJWTError):
    code = "not_authenticated"
    detail = "Authentication credentials were not provided."


class InvalidCredentials(TotJWTError):
    code = "invalid_credentials"
    detail = "Invalid credentials"


class InvalidToken(TotJWTError):
    code = "token_invalid"
    detail = "Token is invalid"


class MalformedToken(InvalidToken):
    code = "token_malformed"
    detail = "Token is malformed"


class ExpiredToken(InvalidToken):
    code = "token_expired"
    detail = "Token has expired"


class RevokedToken(InvalidToken):
    code = "token_revoked"
    detail = "Token has been revoked"


class InsufficientPermissions(TotJWTError):
    code = "insufficient_permissions"
    detail = "API key lacks necessary permissions"


class InsufficientScope(TotJWTError):
    """The scopes that a view requires are in ``required`` (RFC 6750 §3.1)."""

    code = "insufficient_scope"
    detail = "The request requires higher privileges than provided by the access token"

    def __init__(self, required: Iterable[str]) -> None:
        self.required = tuple(required)
        super().__init__()


class TooManyRequests(TotJWTError):
    """``retry_after`` says in how many seconds to come again."""

    code = "throttled"
    detail = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


class ServiceUnavailable(TotJWTError):
    code = "service_unavailable"
    detail = "Service temporarily unavailable"


class ResourceNotFound(TotJWTError):
    code = "not_found"
    detail = "Not found"


class Conflict(TotJWTError):
    code = "conflict"
    detail = "Somebody else is changing the API key at this moment"


class KeyIsRevoked(Conflict):
    code = "key_revoked"
    detail = "The API key has been revoked"


class PreviousSecretStillValid(Conflict):
    code = "previous_secret_still_valid"
    detail = "The previous secret is still valid; a grace of 0 seconds ends both"


class LastActiveKey(Conflict):
    code = "last_active_key"
    detail = "This is the last active API key of its domain; force=true revokes it all the same"


class TooManyKeys(Conflict):
    code = "too_many_keys"
    detail = "The domain has as many active API keys as it may have"


class EscalationRefused(TotJWTError):
    """A rule of `tot_jwt.escalation` refused."""

    code = "escalation_refused"
    detail = "The caller may not do this"


class ScopesExceedCaller(EscalationRefused):
    code = "scopes_exceed_caller"
    detail = "The scopes exceed those of the caller's token and key"


class ExpiryExceedsCaller(EscalationRefused):
    code = "expiry_exceeds_caller"
    detail = "The API key would outlive the caller's"


class AddressesExceedCaller(EscalationRefused):
    code = "addresses_exceed_caller"
    detail = "The addresses exceed those of the caller's API key"


class KeyExceedsCaller(EscalationRefused):
    code = "key_exceeds_caller"
    detail = "The API key has scopes that the caller has not"


class SecretRequired(EscalationRefused):
    code = "secret_required"
    detail = "The API key's current secret is required"


class KeyNotYours(EscalationRefused):
    code = "key_not_yours"
    detail = "The caller may not do this to an API key that it did not create"


class KeyCreationNotAllowed(EscalationRefused):
    code = "key_creation_not_allowed"
    detail = "An API key that was created through the API creates none, and acts on none but itself"


class RecordIsPermanent(TotJWTError):
    code = "record_is_permanent"
    detail = "Key events are neither changed nor deleted"


class InvalidValue(TotJWTError, ValueError):
    """What a person gave cannot be stored; ``message`` is translatable and says why."""

    code = "invalid"
    detail = "Invalid value"

    def __init__(self, message: "str | _StrPromise") -> None:
        self.message = message
        super().__init__(str(message))
