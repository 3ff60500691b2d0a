"""DRF authentication classes: tokens, and API keys sent directly. They adapt; `tot_jwt.verification` decides."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tot_jwt.access.verification import verify_keys, verify_own_token, verify_token
from tot_jwt.exceptions import CredentialsRequired, InvalidRequest, TotJWTError
from tot_jwt.http.addresses import client_address
from tot_jwt.http.credentials import HEADERS, find_credentials
from tot_jwt.http.errors import ApiError, challenge
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.tokens.token import ApiToken


class JWTAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``, a token of ours: `request.user` is an ApiClient, `request.auth` the ApiToken.

    What is not ours is left to the next class: no Bearer, a Bearer that is not in three parts, or a JWT whose
    `token_type` says that somebody else made it. That claim only routes; it is not trusted.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[ApiClient, ApiToken] | None:
        # DRF's Request looks everything up that it does not have itself; we ask for a good deal.
        meta = request._request.META
        try:
            raw = bearer(meta)
            return None if raw is None else self.verify(raw, client_address(meta))
        except TotJWTError as error:
            raise ApiError(error) from error

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken] | None:
        """The client and the token; None where the Bearer is somebody else's."""
        return verify_own_token(raw, address=address)

    def authenticate_header(self, request: Request) -> str:
        return challenge()


class StrictJWTAuthentication(JWTAuthentication):
    """The same, leaving nothing to others: without a Bearer, or with anybody else's, it refuses."""

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiToken]:
        result = super().authenticate(request)
        if result is None:
            raise ApiError(CredentialsRequired())
        return result

    def verify(self, raw: str, address: str) -> tuple[ApiClient, ApiToken]:
        return verify_token(raw, address=address)


class ApiKeyAuthentication(BaseAuthentication):
    """API keys on every request: in a JSON or form body beside other data, or in headers.

    `request.user` is an ApiClient, `request.auth` an ApiKeyAuth. Where there is any trace of keys, the request
    authenticates or fails; with an Authorization header nothing is looked for.
    """

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiKeyAuth] | None:
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
            _forget_secret(request.data)
        return result

    def authenticate_header(self, request: Request) -> str:
        return challenge()


def bearer(meta: dict[str, Any]) -> str | None:
    """What follows ``Bearer`` and one space in the Authorization header; None where another scheme or none is there.

    Raises InvalidRequest where API keys are in the headers too (RFC 6750 §2: one method a request).
    """
    scheme, _, credentials = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not meta.keys().isdisjoint(HEADERS.values()):
        raise InvalidRequest("two_methods")
    return str(credentials)


def _hide_secret(request: HttpRequest) -> None:
    """Keep it out of Django's error report, which lists the fields of a form."""
    hidden = getattr(request, "sensitive_post_parameters", ())
    if hidden != "__ALL__":
        request.sensitive_post_parameters = [*hidden, "totSecretKey"]  # type: ignore[attr-defined]


def _forget_secret(data: Any) -> None:
    if isinstance(data, QueryDict):
        data._mutable = True
        data.pop("totSecretKey", None)
        data._mutable = False
    elif isinstance(data, dict):
        data.pop("totSecretKey", None)
