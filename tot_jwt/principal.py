"""ApiClient: who a request comes from when it comes from a program."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tot_jwt.exceptions import ServiceUnavailable


@dataclass(frozen=True, slots=True)
class ApiClient:
    """What ``request.user`` is: a key's owner, no row of the user table. Unknown attributes raise.

    Scopes named like Django permissions (``shop.view_order``) answer `has_perm`, so DjangoModelPermissions works.
    """

    #: The public key: a string, where an integer would be somebody's user id.
    pk: str
    app_domain: str
    environment: str
    scopes: frozenset[str]
    #: Where `scopes` is remembered: asks for what they are now. Memory grants, but only the database refuses.
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
        """Whether the client holds the scope. Raises ServiceUnavailable where only the database could tell."""
        return self._holds(lambda scopes: scope in scopes)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the client holds a scope of the permission's name; it says nothing about single objects.

        Django asks for a yes or a no: where only the database could tell and does not answer, it is no.
        """
        with suppress(ServiceUnavailable):
            return obj is None and self.has_scope(perm)
        return False

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Whether the client holds scopes of all the permissions' names."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the client holds any scope that is named like a permission of the app."""
        with suppress(ServiceUnavailable):
            return self._holds(
                lambda scopes: any(scope.startswith(f"{app_label}.") for scope in scopes)
            )
        return False

    def get_username(self) -> str:
        """The same as `pk`."""
        return self.pk

    def _holds(self, accept: Callable[[frozenset[str]], bool]) -> bool:
        return accept(self.scopes) or (self.confirm is not None and accept(self.confirm()))

    def __str__(self) -> str:
        return self.pk

    def __reduce__(self) -> tuple[type["ApiClient"], tuple[str, str, str, frozenset[str]]]:
        # Whoever unpickles it, elsewhere and later, has what it held; there is nothing left to confirm.
        return ApiClient, (self.pk, self.app_domain, self.environment, self.scopes)


@dataclass(frozen=True, slots=True)
class ApiKeyAuth:
    """What ``request.auth`` is when a request brought its API keys: the key's description, without the secret."""

    public_key: str
    app_domain: str
    environment: str
