"""JSON values of tokens: read strictly, and frozen, because threads share them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: How deep a value may be nested.
MAX_DEPTH = 32

_CONTAINERS = {dict, list}


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object as a dict. Raises ValueError if a name is repeated.

    An ``object_pairs_hook`` of Python's decoder.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name is repeated")
    return members


def freeze(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return the value with each dict read-only, and each list a tuple, at any depth.

    Raises ValueError if it is nested deeper than `depth`.
    """
    if not isinstance(value, dict | list):
        return value
    if not depth:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return tuple([freeze(item, depth - 1) for item in value])
    if _CONTAINERS.isdisjoint(map(type, value.values())):
        return MappingProxyType(dict(value))  # the usual claims, quickly
    members = {name: freeze(member, depth - 1) for name, member in value.items()}
    return MappingProxyType(members)


def thaw(value: Any) -> Any:
    """Return a copy of a frozen value, which json.dumps can write."""
    if isinstance(value, Mapping):
        return {name: thaw(member) for name, member in value.items()}
    return [thaw(item) for item in value] if isinstance(value, tuple) else value
