"""ApiClient: the user of a request that a program sends."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tot_jwt.exceptions import ServiceUnavailable


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The ``request.user`` of a request with a token or API keys. It has no row in the user table.

    Scopes named like Django permissions (``shop.view_order``) answer `has_perm`, so
    DjangoModelPermissions works. Unknown attributes raise.
    """

    #: The public key. A string, because an integer would be another user's id.
    pk: str
    app_domain: str
    environment: str
    scopes: frozenset[str]
    #: If `scopes` come from the cache: returns the scopes that the database grants now.
    #: The cache can only grant; only the database refuses.
    confirm: Callable[[], frozenset[str]] | None = field(default=None, repr=False, compare=False)

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
        prefix = f"{app_label}."
        with suppress(ServiceUnavailable):
            return self._has(lambda scopes: any(scope.startswith(prefix) for scope in scopes))
        return False

    def get_username(self) -> str:
        """Return `pk`."""
        return self.pk

    def _has(self, accept: Callable[[frozenset[str]], bool]) -> bool:
        return accept(self.scopes) or (self.confirm is not None and accept(self.confirm()))

    def __str__(self) -> str:
        return self.pk

    def __reduce__(self) -> tuple[type["ApiClient"], tuple[str, str, str, frozenset[str]]]:
        # Another process cannot confirm: a copy there keeps the scopes of this moment.
        return ApiClient, (self.pk, self.app_domain, self.environment, self.scopes)


@dataclass(frozen=True, slots=True)
class ApiKeyAuth:
    """The ``request.auth`` of a request with API keys: describes the key, without the secret."""

    public_key: str
    app_domain: str
    environment: str
