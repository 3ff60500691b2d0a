"""ApiClient: the user of a request that a program sends."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from asgiref.sync import sync_to_async

from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.utils.copying import CopiesToItself
from tot_jwt.utils.event_loop import is_in_event_loop

#: Returns whether these scopes suffice.
Rule = Callable[[frozenset[str]], bool]


@dataclass(frozen=True, slots=True)
class ApiClient(CopiesToItself):
    """The ``request.user`` of a request with a token or API keys. It has no row in the user table.

    Scopes named like Django permissions (``shop.view_order``) answer `has_perm`, so
    DjangoModelPermissions works. Unknown attributes raise.

    In an event loop `has_scope` and the like do not query: they answer from the cached scopes.
    `ahas_scope` and the like also ask the database.
    """

    #: The public key. A string, because an integer would be another user's id.
    pk: str
    app_domain: str
    app_domain_id: int
    environment: str
    scopes: frozenset[str]
    #: If `scopes` come from the cache: returns the scopes that the database grants now.
    #: The cache can only grant; only the database refuses. Its attribute `answer`, if there is one,
    #: is what it returned before.
    confirm: Callable[[], frozenset[str]] | None = field(default=None, repr=False, compare=False)
    #: The limits of the key and of its domain, such as ``600/min``; ``""`` for none.
    rate_limit: str = field(default="", repr=False, compare=False)
    domain_rate_limit: str = field(default="", repr=False, compare=False)
    #: Counts this use of the key as refused. `refuse` calls it.
    refused: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    is_authenticated: ClassVar[Literal[True]] = True
    is_active: ClassVar[Literal[True]] = True
    is_anonymous: ClassVar[Literal[False]] = False
    is_staff: ClassVar[Literal[False]] = False
    is_superuser: ClassVar[Literal[False]] = False

    @property
    def id(self) -> str:
        """The same as `pk`."""
        return self.pk

    def has_scope(self, scope: str) -> bool:
        """Return whether the client has the scope.

        Raises ServiceUnavailable if the answer needs the database and that is unavailable.
        """
        return self._has(lambda scopes: scope in scopes)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return whether the client has a scope with the permission's name; False for an object.

        Django expects a yes or a no, so an unavailable database means no.
        """
        with suppress(ServiceUnavailable):
            return obj is None and self.has_scope(perm)
        return False

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Return whether the client has scopes with the names of all the permissions."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Return whether the client has a scope named like a permission of the app."""
        with suppress(ServiceUnavailable):
            return self._has(_has_prefix(f"{app_label}."))
        return False

    async def ahas_scope(self, scope: str) -> bool:
        """Return whether the client has the scope.

        Raises ServiceUnavailable if the answer needs the database and that is unavailable.
        """
        return await self._ahas(lambda scopes: scope in scopes)

    async def ahas_perm(self, perm: str, obj: object = None) -> bool:
        """Return what `has_perm` returns outside an event loop."""
        with suppress(ServiceUnavailable):
            return obj is None and await self.ahas_scope(perm)
        return False

    async def ahas_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Return what `has_perms` returns outside an event loop."""
        for perm in perm_list:
            if not await self.ahas_perm(perm, obj):
                return False
        return True

    async def ahas_module_perms(self, app_label: str) -> bool:
        """Return what `has_module_perms` returns outside an event loop."""
        with suppress(ServiceUnavailable):
            return await self._ahas(_has_prefix(f"{app_label}."))
        return False

    def get_username(self) -> str:
        """Return `pk`."""
        return self.pk

    def _has(self, suffices: Rule) -> bool:
        return suffices(self.scopes) or suffices(self._confirmed_scopes())

    async def _ahas(self, suffices: Rule) -> bool:
        if self.confirm is None or suffices(self.scopes):
            return suffices(self.scopes)
        return suffices(await sync_to_async(self.confirm)())

    def _confirmed_scopes(self) -> frozenset[str]:
        if self.confirm is None:
            return frozenset()
        if is_in_event_loop():
            return getattr(self.confirm, "answer", None) or frozenset()
        return self.confirm()

    def __str__(self) -> str:
        return self.pk

    def __reduce__(self) -> tuple[type["ApiClient"], tuple[Any, ...]]:
        # Another process cannot confirm: a copy there keeps the scopes of this moment.
        rights = (self.environment, self.scopes, None, self.rate_limit, self.domain_rate_limit)
        return ApiClient, (self.pk, self.app_domain, self.app_domain_id, *rights)


@dataclass(frozen=True, slots=True)
class ApiKeyAuth(CopiesToItself):
    """The ``request.auth`` of a request with API keys: describes the key, without the secret."""

    public_key: str
    app_domain: str
    environment: str
    #: The client of the request, also if `get_user` returned another user.
    client: ApiClient | None = field(default=None, repr=False, compare=False)

    def presented_by(self, client: ApiClient) -> "ApiKeyAuth":
        """Return the same description for one request, with its client."""
        return ApiKeyAuth(self.public_key, self.app_domain, self.environment, client)


def client_of(request: Any) -> ApiClient | None:
    """Return the ApiClient that sent the request, or None if it is not from an API client.

    It is `request.user`, or `request.auth.client` if `get_user` returned another user.
    """
    user = getattr(request, "user", None)
    client = user if isinstance(user, ApiClient) else _client_of_auth(request)
    return client if isinstance(client, ApiClient) else None


def refuse(client: ApiClient) -> None:
    """Count the client's request as refused, though its credentials were accepted."""
    if client.refused is not None:
        client.refused()


def _client_of_auth(request: Any) -> object:
    return getattr(getattr(request, "auth", None), "client", None)


def _has_prefix(prefix: str) -> Rule:
    return lambda scopes: any(scope.startswith(prefix) for scope in scopes)
