"""What drf-spectacular asks about the authentication classes."""

from abc import abstractmethod
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from tot_jwt.contrib.spectacular import schemes
from tot_jwt.contrib.spectacular.access import Access, access_of
from tot_jwt.contrib.spectacular.schemes import Schema


class ClientRequirement(dict[str, Any]):
    """A security requirement, with the conditions of its view for the hook."""

    def __init__(self, requirement: Schema, access: Access) -> None:
        super().__init__(requirement)
        self.access = access


class _Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    match_subclasses = True
    name: list[str] = []

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        """Return the alternatives, or None if the view admits no API clients."""
        access = access_of(auto_schema.view, self.target)
        if access is None:
            return None
        _register(auto_schema, self.name)
        return [ClientRequirement(each, access) for each in self.requirements(access)]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        """Return nothing: `get_security_requirement` registers the schemes that a view needs."""
        return []

    @abstractmethod
    def requirements(self, access: Access) -> list[Schema]:
        """Return the alternatives."""


class TokenScheme(_Scheme):  # type: ignore[no-untyped-call]
    """JWTAuthentication, StrictJWTAuthentication and their subclasses."""

    target_class = "tot_jwt.authentication.JWTAuthentication"
    name = [schemes.TOKEN, schemes.OAUTH2]

    def requirements(self, access: Access) -> list[Schema]:
        """Return the token, however the client got it."""
        return schemes.token_requirements(access.scopes)


class KeysScheme(_Scheme):  # type: ignore[no-untyped-call]
    """ApiKeyAuthentication and its subclasses."""

    target_class = "tot_jwt.authentication.ApiKeyAuthentication"
    name = list(schemes.KEYS)

    def requirements(self, access: Access) -> list[Schema]:
        """Return the three headers together."""
        return schemes.key_requirements()


def _register(auto_schema: AutoSchema, names: list[str]) -> None:
    """Register the schemes under one identity, whichever subclasses the views have.

    drf-spectacular itself would warn about the second subclass.
    """
    for name, definition in schemes.definitions().items():
        if name in names:
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SECURITY_SCHEMA, schema=definition, object=_Scheme
            )
            auto_schema.registry.register_on_missing(component)
