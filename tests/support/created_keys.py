"""Keys that live inside other keys, and how administrators act on them."""

from typing import Any

from tests.support.factories import ApiKeyFactory
from tot_jwt.keys import lifecycle
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey

ADMINISTRATOR = Actor("operator", address="192.0.2.9")


def created_by(creator: Any, **columns: Any) -> Any:
    """Return a new key that lives inside the creator, with its attribute `secret`."""
    return ApiKeyFactory.create(
        app_domain=creator.app_domain,
        environment=creator.environment,
        created_by_key=creator,
        **columns,
    )


def administer(key: Any, **changes: Any) -> ApiKey:
    """Change the key's settings as an administrator does; those not given stay as they are."""
    row = ApiKey.objects.get(pk=key.pk)
    settings = {
        "name": row.name,
        "scopes": row.scope_set,
        "expires_at": row.expires_at,
        "allowed_ips": row.allowed_networks,
        "can_issue_tokens": row.can_issue_tokens,
    }
    return lifecycle.change_key(row, **{**settings, **changes}, by=ADMINISTRATOR)
