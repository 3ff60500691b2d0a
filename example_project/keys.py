"""The signing keys in environment variables."""

import json

from django.core.exceptions import ImproperlyConfigured


def read_key(text: str) -> str | None:
    r"""Return a key, or None for an empty text.

    A key in PEM may have its line breaks as \n, because some tools cannot set others.
    """
    return text.replace(r"\n", "\n") or None


def read_keys(text: str, name: str) -> list[str | None]:
    """Return the keys of a JSON list. `null` stands for the key derived from SECRET_KEY.

    Raises ImproperlyConfigured, which names the variable and does not show its value.
    """
    try:
        # Without `strict`, a text in the list may have real line breaks.
        keys = json.loads(text or "[]", strict=False)
    except ValueError:
        raise _not_a_list(name) from None
    if not isinstance(keys, list) or not all(isinstance(key, str | None) for key in keys):
        raise _not_a_list(name)
    return [None if key is None else key.replace(r"\n", "\n") for key in keys]


def _not_a_list(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f'{name} must be a list of keys in JSON, for example ["-----BEGIN PUBLIC KEY-----\\n…"].'
    )
