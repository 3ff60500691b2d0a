"""DRF authentication classes for tokens and direct API keys. `tot_jwt.access` decides."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tot_jwt.access.verification import verify_keys, verify_own_token, verify_token
from tot_jwt.exceptions import CredentialsRequired, InvalidRequest, TotJWTError
from tot_jwt.http.addresses import client_address
from tot_jwt.http.credentials import find_credentials
from tot_jwt.http.errors import ApiError, challenge
from tot_jwt.http.headers import CREDENTIAL_HEADERS
from tot_jwt.http.names import SECRET_KEY
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.tokens.token import ApiToken


class JWTAuthentication(BaseAuthentication):
    """Tokens as a Bearer: `request.user` is an ApiClient, `request.auth` an ApiToken.

    Other credentials are left to the next class: no Bearer, a Bearer that does not have three
    parts, or a JWT whose `token_type` is not ours. That claim only routes; it is not trusted.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[ApiClient, ApiToken] | None:
        """Return the client and the token, or None. Raises ApiError."""
        # DRF's Request looks up slowly what it does not have itself.
        meta = request._request.META
        try:
            raw = bearer(meta)
            return None if raw is None else self.verify(raw, client_address(meta))
        except TotJWTError as error:
            raise ApiError(error) from error

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken] | None:
        """Return the client and the token, or None if another class should look at the Bearer."""
        return verify_own_token(raw, address=address)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 §3)."""
        return challenge()


class StrictJWTAuthentication(JWTAuthentication):
    """JWTAuthentication that also rejects what it would leave to other classes."""

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiToken]:
        """Return the client and the token. Raises ApiError."""
        result = super().authenticate(request)
        if result is None:
            raise ApiError(CredentialsRequired())
        return result

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken]:
        """Return the client and the token."""
        return verify_token(raw, address=address)


class ApiKeyAuthentication(BaseAuthentication):
    """API keys on every request: in a JSON or form body beside other data, or in headers.

    `request.user` is an ApiClient, `request.auth` an ApiKeyAuth. A request with any trace of keys
    authenticates or fails. A request with an Authorization header is not searched.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[ApiClient, ApiKeyAuth] | None:
        """Return the client and the key's description, or None. Raises ApiError."""
        http_request: HttpRequest = request._request
        try:
            if "HTTP_AUTHORIZATION" in http_request.META:
                bearer(http_request.META)
                return None
            _hide_secret(http_request)
            found = find_credentials(http_request)
            if found is None:
                return None
            result = verify_keys(found.credentials, address=client_address(http_request.META))
        except TotJWTError as error:
            raise ApiError(error) from error
        if found.in_body:
            _remove_secret(request.data)
        return result

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 §3)."""
        return challenge()


def bearer(meta: dict[str, Any]) -> str | None:
    """Return the credentials after ``Bearer`` and one space, or None without a Bearer.

    Raises InvalidRequest if API keys are in the headers too (RFC 6750 §2: one method per request).
    """
    scheme, _, credentials = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not meta.keys().isdisjoint(CREDENTIAL_HEADERS.values()):
        raise InvalidRequest("two_methods")
    return str(credentials)


def _hide_secret(request: HttpRequest) -> None:
    """Hide the secret in Django's error report, which lists the fields of a form."""
    hidden = getattr(request, "sensitive_post_parameters", ())
    if hidden != "__ALL__":
        request.sensitive_post_parameters = [*hidden, SECRET_KEY]  # type: ignore[attr-defined]


def _remove_secret(data: Any) -> None:
    if isinstance(data, QueryDict):
        data._mutable = True
        data.pop(SECRET_KEY, None)
        data._mutable = False
    elif isinstance(data, dict):
        data.pop(SECRET_KEY, None)
