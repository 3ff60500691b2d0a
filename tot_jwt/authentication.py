"""DRF authentication classes for tokens and direct API keys. `tot_jwt.access` decides."""

from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tot_jwt.access.refusals import reject
from tot_jwt.access.verification import verify_keys, verify_own_token, verify_token
from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    CredentialsRequired,
    InsufficientPermissions,
    InvalidRequest,
    TotJWTError,
)
from tot_jwt.http.addresses import client_address
from tot_jwt.http.caching import http_request, keep_private, vary_by
from tot_jwt.http.direct import find_credentials
from tot_jwt.http.errors import ApiError, challenge
from tot_jwt.http.headers import CREDENTIAL_HEADER_NAMES, bearer, reads_authorization
from tot_jwt.http.hiding import hide_secret, remove_secret
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.credentials import Redacted
from tot_jwt.tokens.token import ApiToken


class _Authentication(BaseAuthentication):
    """What both classes share: the user of a client, and the challenge."""

    def get_user(self, client: ApiClient, auth: ApiToken | ApiKeyAuth) -> Any:
        """Return `request.user`: the client. Override it to return another user.

        `request.auth.client` stays the client, and our permissions look there. None rejects the
        request with 403 `insufficient_permissions`.
        """
        return client

    def authenticate_header(self, request: Request | HttpRequest) -> str:
        """Return the challenge of a 401 (RFC 6750 §3)."""
        return challenge()

    def _authenticated(
        self, client: ApiClient, auth: ApiToken | ApiKeyAuth, address: str
    ) -> tuple[Any, Any]:
        """Return user and auth of the request. Raises InsufficientPermissions."""
        auth = auth.presented_by(client)
        user = self.get_user(client, auth)
        if user is None:
            refusal = InsufficientPermissions("no_user")
            jti = auth["jti"] if isinstance(auth, ApiToken) else ""
            reject(refusal, client, jti=jti, address=address)
            raise refusal
        return user, auth


class JWTAuthentication(_Authentication):
    """Tokens as a Bearer: `request.user` is an ApiClient, `request.auth` an ApiToken.

    Other credentials are left to the next class: no Bearer, a Bearer that does not have three
    parts, or a JWT whose `token_type` is not ours. That claim only routes; it is not trusted.
    """

    @sensitive_variables()
    def authenticate(self, request: Request | HttpRequest) -> tuple[Any, ApiToken] | None:
        """Return the user and the token, or None. Raises ApiError."""
        vary = header = settings.TOKEN_HEADER
        own = http_request(request)
        hide_secret(own)
        # DRF's Request looks up slowly what it does not have itself.
        meta = own.META
        try:
            raw = bearer(meta, header)
            if raw is not None and not reads_authorization():
                # Shared caches spare responses to Authorization only (RFC 9111 §3.5).
                keep_private(request)
            result = None if raw is None else self._verify(raw, client_address(meta))
            if result is not None:
                # Keys beside the token are an error. Also, a cache expects the same Vary of each
                # response of a URL, and ApiKeyAuthentication does not see this request.
                vary = f"{header}, {CREDENTIAL_HEADER_NAMES}"
        except TotJWTError as error:
            if isinstance(error, InvalidRequest):
                keep_private(request)
            raise ApiError(error) from error
        finally:
            vary_by(request, vary)
        return result

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken] | None:
        """Return the client and the token, or None if another class should look at the Bearer."""
        return verify_own_token(raw, address=address)

    def _verify(self, raw: str, address: str) -> tuple[Any, ApiToken] | None:
        verified = self.verify(raw, address)
        return verified and self._authenticated(*verified, address)


class StrictJWTAuthentication(JWTAuthentication):
    """JWTAuthentication that also rejects what it would leave to other classes."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[Any, ApiToken]:
        """Return the user and the token. Raises ApiError."""
        result = super().authenticate(request)
        if result is None:
            raise ApiError(CredentialsRequired())
        return result

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken]:
        """Return the client and the token."""
        return verify_token(raw, address=address)


class ApiKeyAuthentication(_Authentication):
    """API keys on every request: in a JSON or form body beside other data, or in headers.

    `request.user` is an ApiClient, `request.auth` an ApiKeyAuth. A request with any trace of keys
    authenticates or fails, and no cache stores its response. A request with a Bearer is not
    searched.
    """

    @sensitive_variables()
    def authenticate(self, request: Request | HttpRequest) -> tuple[Any, ApiKeyAuth] | None:
        """Return the user and the key's description, or None. Raises ApiError."""
        vary_by(request, CREDENTIAL_HEADER_NAMES)
        own = http_request(request)
        hide_secret(own)
        try:
            if bearer(own.META, settings.TOKEN_HEADER) is not None:
                return None
            found = find_credentials(request)
            if found is None:
                return None
            keep_private(request)
            address = client_address(own.META)
            verified = verify_keys(found.credentials, address=address)
            if found.secret_in_body is not None:
                _remove_secret(request, found.secret_in_body)
            result = self._authenticated(*verified, address)
        except TotJWTError as error:
            keep_private(request)
            raise ApiError(error) from error
        return result


def _remove_secret(request: Request | HttpRequest, secret: Redacted) -> None:
    """Remove the secret from what the view sees of the body. Raises InvalidRequest."""
    try:
        data = request.data if isinstance(request, Request) else request.POST
    except RecursionError:
        raise InvalidRequest("too_deep") from None
    remove_secret(data, secret.reveal())
