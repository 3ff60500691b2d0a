"""Stored keys, read past the package's caches."""

from datetime import datetime
from typing import Any

from tot_jwt.models import ApiKey


def key_in(answer: Any) -> Any:
    """Return the key that a creation or rotation answered with; `secret` is its new secret."""
    assert answer.status_code in (200, 201), answer.content
    key: Any = ApiKey.objects.get(public_key=answer.json()["totApiKey"])
    key.secret = answer.json()["totSecretKey"]
    return key


def reread(key: Any) -> ApiKey:
    """Return the key as it is stored now."""
    return ApiKey.objects.get(pk=key.pk)


def columns_of(key: Any) -> dict[str, Any]:
    """Return the key's columns, from the object as it is."""
    return {field.attname: getattr(key, field.attname) for field in key._meta.concrete_fields}


def stored_columns(key: Any) -> dict[str, Any]:
    """Return the key's columns as they are stored now."""
    return dict(ApiKey.objects.filter(pk=key.pk).values().get())


def set_expiry(key: Any, expires_at: datetime) -> None:
    """Store another expiry, without the rules for changes."""
    ApiKey.objects.filter(pk=key.pk).update(expires_at=expires_at)
