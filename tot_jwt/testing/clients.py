"""Test clients of DRF and of Django that send a real token with each request."""

from collections.abc import Iterable
from contextlib import suppress
from copy import copy, deepcopy
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.views.decorators.debug import sensitive_variables
from rest_framework.test import APIClient

from tot_jwt.access.exchange import IssuedToken, exchange
from tot_jwt.conf import settings
from tot_jwt.exceptions import TotJWTError
from tot_jwt.http.headers import meta_name
from tot_jwt.keys import create_domain, create_key
from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.rules import domains
from tot_jwt.rules.credentials import Credentials, PresentedSecret, SecretKey
from tot_jwt.utils import clock

#: The address of Django's test clients.
ADDRESS = "127.0.0.1"


class _KeyClient:
    """What both clients share: a key, and its token."""

    #: The row of the client's key. Tests may change, disable or revoke it.
    api_key: ApiKey
    #: The secret of the key.
    secret_key: str
    handler: Any

    def __init__(self, api_key: ApiKey, secret_key: SecretKey) -> None:
        super().__init__()
        self.api_key = api_key
        self.secret_key = secret_key.reveal()
        self.renew_token()

    @property
    def token(self) -> str:
        """The token of the next request: another one if the last has expired.

        A key that gets no other token, for example a revoked one, keeps the last.
        """
        if not self._is_current():
            with suppress(TotJWTError):
                self.renew_token()
        return self._issued.raw

    @sensitive_variables()
    def renew_token(self) -> None:
        """Exchange the key for a token, as a client does when its token expires.

        Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
        """
        key = self.api_key
        # Without the domain, which a test may rename.
        credentials = Credentials(None, key.public_key, PresentedSecret(self.secret_key))
        self._issued: IssuedToken = exchange(credentials, None, address=_allowed_address(key))

    def _is_current(self) -> bool:
        """Return whether the token was issued before now and has not expired.

        A test may move the clock in both directions.
        """
        issued_at = self._issued.expires_at - self._issued.expires_in
        return issued_at <= clock.epoch() < self._issued.expires_at

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # Django copies what `setUpTestData` created for each test. A handler cannot be copied.
        copied = copy(self)
        memo[id(self)] = copied
        for name, value in vars(self).items():
            if name != "handler":
                setattr(copied, name, deepcopy(value, memo))
        copied.handler = type(self.handler)(self.handler.enforce_csrf_checks)
        return copied


class TotJWTClient(_KeyClient, APIClient):
    """DRF's APIClient with the token of a key. A header of the request replaces the token."""

    def request(self, **kwargs: Any) -> Any:
        """Send the request with the token."""
        header = meta_name(settings.TOKEN_HEADER)
        return super().request(**{header: f"Bearer {self.token}", **kwargs})


class AsyncTotJWTClient(_KeyClient, AsyncClient):
    """Django's AsyncClient with the token of a key. A header of the request replaces the token."""

    async def request(self, **request: Any) -> Any:
        """Send the request with the token."""
        header = settings.TOKEN_HEADER.lower().encode()
        headers = request.pop("headers", [])
        if all(name != header for name, _ in headers):
            token = await sync_to_async(getattr)(self, "token")
            headers = [*headers, (header, f"Bearer {token}".encode())]
        return await super().request(headers=headers, **request)


def create_client(
    app_domain: AppDomain | str = "example.com",
    scopes: Iterable[str] = ("orders:read",),
    **options: Any,
) -> TotJWTClient:
    """Create a key and return a test client that sends a token of it with each request.

    The domain is created if it does not exist. `options` are those of `create_key`: `environment`,
    `allowed_ips`, `rate_limit`, `expires_at` and others.
    Raises what `create_domain`, `create_key` and `TotJWTClient.renew_token` raise.
    """
    return TotJWTClient(*_create_key(app_domain, scopes, options))


async def acreate_client(
    app_domain: AppDomain | str = "example.com",
    scopes: Iterable[str] = ("orders:read",),
    **options: Any,
) -> AsyncTotJWTClient:
    """Create a key and return an asynchronous test client of it, as `create_client` does."""

    def create() -> AsyncTotJWTClient:
        return AsyncTotJWTClient(*_create_key(app_domain, scopes, options))

    return await sync_to_async(create)()


def _create_key(
    app_domain: AppDomain | str, scopes: Iterable[str], options: dict[str, Any]
) -> tuple[ApiKey, SecretKey]:
    # The environment is one that the host serves.
    defaults = {"name": "Test client", "environment": settings.ENVIRONMENTS[0]}
    if isinstance(app_domain, str):
        app_domain = _domain(app_domain)
    return create_key(app_domain, scopes=scopes, **{**defaults, **options})


def _domain(name: str) -> AppDomain:
    existing = AppDomain.objects.filter(domain=domains.from_person(name)).first()
    return existing or create_domain(name)


def _allowed_address(key: ApiKey) -> str:
    """Return an address that the key allows. The test's requests may come from others."""
    networks = key.allowed_ips.split()
    return networks[0].partition("/")[0] if networks else ADDRESS
