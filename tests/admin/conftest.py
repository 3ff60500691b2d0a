"""Fixtures for the tests of the admin."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.support import admin
from tests.support.requests import TOKEN_URL
from tot_jwt.models import ApiKey, KeyStatus


@pytest.fixture
def log_in(db: None, client: Client) -> Callable[..., Any]:
    """``log_in("view_apikey", …)``: log in a member of staff with these permissions only."""
    return partial(admin.log_in, client)


@pytest.fixture
def superuser(db: None, client: Client) -> Any:
    """Log in a superuser."""
    return admin.make_superuser(client)


@pytest.fixture
def catalog(settings: Any) -> dict[str, str]:
    """Set the catalog of scopes, and return it."""
    scopes = {
        "orders:read": "Read orders",
        "orders:write": "Place and change orders",
        "catalog:read": "Read products",
    }
    settings.TOT_JWT = {"SCOPES": scopes}
    return scopes


@pytest.fixture
def works(client: Client) -> Callable[[ApiKey, str], bool]:
    """``works(key, secret)``: whether the endpoint accepts the secret."""

    def works(key: ApiKey, secret: str) -> bool:
        sent = {
            "appDomain": key.app_domain.domain,
            "totApiKey": key.public_key,
            "totSecretKey": secret,
        }
        return client.post(TOKEN_URL, sent, content_type="application/json").status_code == 200

    return works


@pytest.fixture
def family(make_key: Callable[..., ApiKey]) -> list[ApiKey]:
    """Return a key and four keys that it created: two inside it, one released, one revoked."""
    creator, now = make_key(name="Creator"), timezone.now()
    make = partial(make_key, app_domain=creator.app_domain, created_by_key=creator)
    return [
        creator,
        make(name="First"),
        make(name="Second"),
        make(name="Released", released_at=now),
        make(name="Gone", revoked_at=now),
    ]


@pytest.fixture
def key_of_each_status(make_key: Callable[..., ApiKey]) -> dict[KeyStatus, ApiKey]:
    """Return one key of each status."""
    now = timezone.now()
    return {
        KeyStatus.ACTIVE: make_key(),
        KeyStatus.EXPIRING: make_key(expires_at=now + timedelta(days=1)),
        KeyStatus.EXPIRED: make_key(expires_at=now - timedelta(days=1)),
        KeyStatus.DISABLED: make_key(disabled_at=now),
        KeyStatus.SUSPENDED: make_key(app_domain__suspended_at=now),
        KeyStatus.REVOKED: make_key(revoked_at=now),
    }
