"""Predicates for the values of settings."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tot_jwt.utils.formats import Rate, is_scope_token


def is_text(value: Any, limit: int) -> bool:
    """Return whether the value is a string of 1 to `limit` characters, as JSON writes them."""
    return isinstance(value, str) and 0 < len(json.dumps(value)) - 2 <= limit


def is_printable_ascii(value: Any) -> bool:
    """Return whether the value is a string of one or more printable ASCII characters."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value)


def is_bool(value: Any) -> bool:
    """Return whether the value is True or False."""
    return isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether the value is an integer, 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_age(value: Any) -> bool:
    """Return whether the value is a number, 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def is_lifetime(value: Any) -> bool:
    """Return whether the value is a timedelta of whole seconds, one or more."""
    is_whole = isinstance(value, timedelta) and not value.microseconds
    return is_whole and value >= timedelta(seconds=1)


def is_rate(value: Any) -> bool:
    """Return whether the value is a rate such as ``30/min``, or None."""
    try:
        return value is None or bool(Rate.parse(value))
    except ImproperlyConfigured:
        return False


def are_rates(value: Any, names: set[str]) -> bool:
    """Return whether the value is a dict from some of these names to rates."""
    is_known = isinstance(value, Mapping) and value.keys() <= names
    return is_known and all(map(is_rate, value.values()))


def are_scopes(value: Any, *, reserved: str) -> bool:
    """Return whether the value is a dict whose keys are scopes, other than the reserved one."""
    return isinstance(value, Mapping) and all(
        isinstance(scope, str) and is_scope_token(scope) and scope != reserved for scope in value
    )
