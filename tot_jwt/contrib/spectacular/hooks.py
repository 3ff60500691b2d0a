"""The hook that completes the schema which drf-spectacular generates."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings

from tot_jwt.contrib.spectacular import bodies, mounts, schemes
from tot_jwt.contrib.spectacular.access import Access
from tot_jwt.contrib.spectacular.errors import view_responses
from tot_jwt.contrib.spectacular.extensions import ClientRequirement
from tot_jwt.contrib.spectacular.schemes import Schema

SCOPES_EXTENSION = "x-required-scopes"

_SCHEMA_PREFIX = "#/components/schemas/"


def install() -> None:
    """Append the hook to the host's, unless POSTPROCESSING_HOOKS names it."""
    settings: Any = spectacular_settings
    if postprocess not in settings.POSTPROCESSING_HOOKS:
        settings.POSTPROCESSING_HOOKS = [*settings.POSTPROCESSING_HOOKS, postprocess]


def postprocess(result: Schema, generator: SchemaGenerator, **kwargs: Any) -> Schema:
    """Add the endpoints, and what the host's operations require of API clients.

    The other hooks do not see the endpoints: they could rename the host's own enums.
    """
    for operation in _operations(result):
        access = _access(operation)
        if access is not None:
            _describe(operation, access, result["components"])
            operation["security"] = _unique(operation["security"])
    for path, item in mounts.paths(generator).items():
        result["paths"].setdefault(path, {}).update(item)
        _add_schemas(item, result)
    _add_schemes(result)
    for kind, named in result["components"].items():
        result["components"][kind] = dict(sorted(named.items()))
    # The parts above share dicts, and a hook of the host may change each of them.
    copied: Schema = _copied(result)
    return copied


def _operations(result: Schema) -> Iterator[Schema]:
    for item in result["paths"].values():
        yield from (each for each in item.values() if isinstance(each, dict))


def _access(operation: Schema) -> Access | None:
    """Return what the authentication extensions found out about the operation's view."""
    for requirement in operation.get("security", ()):
        if isinstance(requirement, ClientRequirement):
            return requirement.access
    return None


def _describe(operation: Schema, access: Access, components: Schema) -> None:
    """Add the scopes, and the responses that the operation does not describe itself."""
    if access.scopes:
        operation.setdefault(SCOPES_EXTENSION, list(access.scopes))
        # The bearer scheme of OpenAPI 3.0 has no scopes, and Swagger UI hides extensions.
        sentence = f"Required scopes: {', '.join(f'`{scope}`' for scope in access.scopes)}."
        texts = [operation.get("description"), sentence]
        operation["description"] = "\n\n".join(str(text) for text in texts if text)
    own = operation["responses"]
    for status, (name, response) in view_responses(access.credentials).items():
        if status in own or (status == "429" and not access.is_throttled):
            continue
        if not access.has_own_bodies:
            own[status] = {"description": response["description"]}
            continue
        components.setdefault("responses", {})[name] = response
        own[status] = {"$ref": f"#/components/responses/{name}"}


def _add_schemas(part: Any, result: Schema) -> None:
    """Add the schemas that this part of the document refers to."""
    schemas = result["components"].setdefault("schemas", {})
    available = bodies.components()
    for name in _references(part):
        if name in available and name not in schemas:
            schemas[name] = available[name]
            _add_schemas(schemas[name], result)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].removeprefix(_SCHEMA_PREFIX)
        for each in part.values():
            yield from _references(each)


def _add_schemes(result: Schema) -> None:
    """Add the security schemes of the endpoints, and each scope that an operation names."""
    found = result["components"].setdefault("securitySchemes", {})
    own = schemes.definitions()
    scopes: list[str] = []
    for operation in _operations(result):
        for requirement in operation.get("security", ()):
            for name in requirement.keys() & own.keys():
                found.setdefault(name, own[name])
            scopes += requirement.get(schemes.OAUTH2, ())
    # A host may define another scheme of this name, or name one that it does not define.
    if schemes.OAUTH2 in own and found.get(schemes.OAUTH2) == own[schemes.OAUTH2]:
        found[schemes.OAUTH2] = own[schemes.OAUTH2]
        for scope in scopes:
            own[schemes.OAUTH2]["flows"]["clientCredentials"]["scopes"].setdefault(scope, "")
    if not found:
        del result["components"]["securitySchemes"]


def _unique(requirements: list[Schema]) -> list[Schema]:
    """Return each alternative once, however many classes of the view share it."""
    return [each for n, each in enumerate(requirements) if each not in requirements[:n]]


def _copied(part: Any) -> Any:
    """Return a copy that shares no dict or list, not even within itself."""
    if type(part) is list:
        return [_copied(each) for each in part]
    if type(part) is dict:
        return {name: _copied(each) for name, each in part.items()}
    return part
