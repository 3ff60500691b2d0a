"""Predicates for the values of settings."""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tot_jwt.utils.formats import Rate, is_scope_token

#: A hundred years. A longer time leads beyond the end of the calendar.
LONGEST_LIFETIME = timedelta(days=36_525)


def is_text(value: Any, limit: int) -> bool:
    """Return whether the value is printable text of 1 to `limit` characters, as JSON writes them.

    Subclasses of str do not count: PyJWT and json treat some of them differently.
    """
    return type(value) is str and value.isprintable() and 0 < len(json.dumps(value)) - 2 <= limit


def is_blank(secret: Any) -> bool:
    """Return whether the value is not a string or bytes, or has only white space and NULs."""
    text = secret.decode("latin-1") if isinstance(secret, bytes) else secret
    return not isinstance(text, str) or not text.replace("\0", "").strip()


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
    """Return whether the value is a timedelta of whole seconds, from one to LONGEST_LIFETIME."""
    is_whole = isinstance(value, timedelta) and not value.microseconds
    return is_whole and timedelta(seconds=1) <= value <= LONGEST_LIFETIME


def are_choices(value: Any, names: Collection[str]) -> bool:
    """Return whether the value is a list of one or more of these names, without repetition."""
    is_list = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return is_list and 0 < len(value) == len(set(value) & set(names))


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
