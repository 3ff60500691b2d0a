"""Where the host mounts the endpoints."""

import re
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from django.urls import URLPattern, URLResolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import resolve_django_path_parameter
from drf_spectacular.settings import spectacular_settings

from tot_jwt.conf import settings
from tot_jwt.contrib.spectacular.endpoints import ENDPOINTS
from tot_jwt.contrib.spectacular.operations import Operation, parameter
from tot_jwt.contrib.spectacular.schemes import Schema
from tot_jwt.rules.issuer import issuer_url

#: As drf-spectacular describes an operation to the host's hooks: path, its regex, method, view.
Endpoint = tuple[str, str, str, Any]

_PACKAGE = "tot_jwt.api."


def paths(generator: SchemaGenerator) -> dict[str, Schema]:
    """Return the path items of the endpoints among the generator's URLs."""
    inspector: Any = generator.inspector
    found = sorted(_endpoints(inspector, inspector.patterns, ""), key=itemgetter(0))
    for hook in spectacular_settings.PREPROCESSING_HOOKS:
        # A host's hook may leave out endpoints, by their path for example.
        kept = {each[:3] for each in hook(endpoints=found)}
        found = [each for each in found if each[:3] in kept]
    items: dict[str, Schema] = {}
    names: dict[str, int] = {}
    for path, path_regex, method, view in found:
        operation = _operations(view)[method.lower()].schema()
        _number(operation, names)
        _add_path_parameters(operation, path, path_regex)
        items.setdefault(_public(path), {}).setdefault(method.lower(), operation)
    _remove_dead_links(items)
    return items


def _endpoints(
    inspector: Any, patterns: Iterable[URLPattern | URLResolver], prefix: str
) -> Iterator[Endpoint]:
    for pattern in patterns:
        path_regex = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _endpoints(inspector, pattern.url_patterns, path_regex)
            continue
        path = _plain(inspector.get_path_from_regex(path_regex))
        for method in _operations(pattern.callback):
            yield path, path_regex, method.upper(), pattern.callback


def _operations(view: Any) -> Mapping[str, Operation]:
    """Return the operations of a view, or of the view that it inherits from."""
    for kind in getattr(getattr(view, "cls", None), "__mro__", ()):
        if kind.__module__.startswith(_PACKAGE) and _is_active(kind.__name__):
            return ENDPOINTS.get(kind.__name__, {})
    return {}


def _is_active(name: str) -> bool:
    """Return whether the view answers anything but 404."""
    match name:
        case "KeysView" | "KeyView" | "RotateView" | "UsageView":
            return settings.TOKENS_MANAGE_KEYS
        case "MetadataView":
            return issuer_url() is not None
    return True


def _plain(path: str) -> str:
    """Return the path without the optional slash and the optional path of the issuer."""
    path = path.replace("{issuer_path}", "").replace("{public_key}", "{totApiKey}")
    return path.rstrip("/")


def _public(path: str) -> str:
    """Return the path as the host's settings of drf-spectacular change it."""
    prefix = spectacular_settings.SCHEMA_PATH_PREFIX
    if prefix and spectacular_settings.SCHEMA_PATH_PREFIX_TRIM:
        path = re.sub(f"^{prefix.removeprefix('^')}", "", path, flags=re.IGNORECASE)
    path = spectacular_settings.SCHEMA_PATH_PREFIX_INSERT + path
    return path if path.startswith("/") else f"/{path}"


def _number(operation: Schema, names: dict[str, int]) -> None:
    """Make the `operationId` unique, and its links, if the host mounts the endpoints twice."""
    name = operation["operationId"]
    names[name] = names.get(name, 0) + 1
    if names[name] > 1:
        operation["operationId"] = f"{name}_{names[name]}"
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                link["operationId"] += f"_{names[name]}"


def _add_path_parameters(operation: Schema, path: str, path_regex: str) -> None:
    """Add the parameters of the host's own prefix."""
    own = {each["name"] for each in operation.get("parameters", ())}
    for name in re.findall(r"{(\w+)}", path):
        if name not in own:
            resolve: Any = resolve_django_path_parameter
            added = resolve(path_regex, name, []) or parameter(name, {"type": "string"}, "", "path")
            operation.setdefault("parameters", []).append(added)


def _remove_dead_links(items: dict[str, Schema]) -> None:
    """Remove links to endpoints that a host's hook left out."""
    operations = [operation for item in items.values() for operation in item.values()]
    names = {operation["operationId"] for operation in operations}
    for operation in operations:
        for response in operation["responses"].values():
            links = response.get("links", {})
            for name in [name for name, link in links.items() if link["operationId"] not in names]:
                del links[name]
