"""`create_client`: test clients of a host that send real tokens."""

from copy import deepcopy
from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync

from tests.support.times import NOON
from tot_jwt.exceptions import InsufficientPermissions, InvalidValue
from tot_jwt.keys import (
    change_key,
    create_domain,
    disable_key,
    enable_key,
    end_tokens,
    rename_domain,
    revoke_key,
)
from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.principal import ApiClient
from tot_jwt.testing import acreate_client, create_client

pytestmark = [pytest.mark.urls("tests.testing.urls"), pytest.mark.django_db]

ORDERS = "/api/orders"


class SyncCalls:
    """The asynchronous client, called as the synchronous one."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        found = getattr(self.client, name)
        return async_to_sync(found) if name in ("get", "post") else found

    def __deepcopy__(self, memo):
        return SyncCalls(deepcopy(self.client, memo))


def create_async_client(*args, **options):
    return SyncCalls(async_to_sync(acreate_client)(*args, **options))


@pytest.fixture(params=[create_client, create_async_client], ids=["sync", "async"])
def create(request):
    """``create("example.com", […])``: create a client of each kind."""
    return request.param


def test_client_has_its_scopes(create):
    client = create("My-App.com", ["orders:read"])

    answer = client.get(ORDERS)

    key = ApiKey.objects.get()
    assert answer.json() == {"key": key.public_key, "domain": "my-app.com", "env": "live"}
    assert client.post(ORDERS).status_code == 403
    assert client.api_key == key
    assert client.token.count(".") == 2
    assert client.secret_key.startswith("sk_live_tot_")


def test_second_client_has_another_key(create):
    first, second = create(), create()

    assert first.api_key != second.api_key
    assert first.api_key.app_domain == second.api_key.app_domain == AppDomain.objects.get()
    assert first.get(ORDERS).json()["key"] != second.get(ORDERS).json()["key"]


def test_client_uses_a_given_domain(create):
    domain = create_domain("example.org")

    assert create(domain).get(ORDERS).json()["domain"] == "example.org"


def test_body_is_sent_beside_token():
    client = create_client(scopes=["orders:write"])

    answer = client.post(ORDERS, {"quantity": 2}, format="json")

    assert (answer.status_code, answer.data) == (201, {"quantity": 2})


def test_options_are_those_of_keys(create):
    client = create(environment="test", name="Reader", metadata={"plan": "gold"})

    assert client.get(ORDERS).json()["env"] == "test"
    assert (client.api_key.name, client.api_key.metadata) == ("Reader", {"plan": "gold"})


def test_default_environment_is_served_here(settings, create):
    settings.TOT_JWT = {"ENVIRONMENTS": ["test"]}

    assert create().get(ORDERS).json()["env"] == "test"


def test_addresses_limit_only_requests():
    client = create_client(allowed_ips=["192.0.2.0/24", "2001:db8::1"])

    assert client.get(ORDERS).status_code == 403
    assert client.get(ORDERS, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_unlisted_scope_is_rejected(settings, create):
    settings.TOT_JWT = {"SCOPES": {"orders:read": "Read orders"}}

    with pytest.raises(InvalidValue, match="“orders:all” is not a scope that TOT_JWT"):
        create(scopes=["orders:all"])


def test_key_without_tokens_is_rejected(create):
    with pytest.raises(InsufficientPermissions):
        create(can_issue_tokens=False)


def test_token_is_in_configured_header(settings, create):
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}
    client = create()

    assert client.get(ORDERS).status_code == 200
    assert client.get("/headers").content.decode() == f"- Bearer {client.token}"


def test_header_of_request_replaces_token(create):
    client = create()

    answer = client.get("/headers", headers={"Authorization": "Bearer other"})

    assert answer.content == b"Bearer other -"


def test_credentials_of_client_replace_token():
    client = create_client()
    client.credentials(HTTP_AUTHORIZATION="Bearer other")

    assert client.get("/headers").content == b"Bearer other -"


# The life of the key


@pytest.mark.parametrize("end", [revoke_key, disable_key, end_tokens])
def test_ended_key_is_rejected_at_once(create, end):
    client = create()
    assert client.get(ORDERS).status_code == 200

    end(client.api_key)

    assert client.get(ORDERS).json()["code"] == "token_revoked"


def test_new_scope_needs_new_token(create):
    client = create(scopes=["orders:read"])
    change_key(
        client.api_key,
        name="Writer",
        scopes=["orders:write"],
        expires_at=None,
        allowed_ips=(),
        can_issue_tokens=True,
    )
    assert client.post(ORDERS).status_code == 403

    client.renew_token()

    assert client.post(ORDERS).status_code == 201


def test_renamed_domain_needs_new_token(create):
    client = create("old.example.com")
    rename_domain(client.api_key.app_domain, "new.example.com")
    assert client.get(ORDERS).status_code == 401

    client.renew_token()

    assert client.get(ORDERS).json()["domain"] == "new.example.com"


# Time


@pytest.mark.parametrize("hours", [1, -1])
def test_client_follows_moved_clock(create, hours):
    with time_machine.travel(NOON, tick=False) as clock:
        client = create()
        first = client.token
        assert client.token == first

        clock.shift(timedelta(hours=hours))

        assert client.get(ORDERS).status_code == 200
        assert client.token != first


def test_token_lives_exactly_its_lifetime(create):
    with time_machine.travel(NOON, tick=False) as clock:
        client = create()
        first = client.token
        clock.shift(timedelta(minutes=15, seconds=-1))
        assert client.token == first

        clock.shift(timedelta(seconds=1))

        assert client.token != first


def test_disabled_key_gets_no_new_token(create):
    with time_machine.travel(NOON, tick=False) as clock:
        client = create()
        disable_key(client.api_key)
        clock.shift(timedelta(hours=1))

        assert client.get(ORDERS).json()["code"] == "token_expired"

        enable_key(client.api_key)
        assert client.get(ORDERS).status_code == 200


# Copies


def test_copies_are_independent(create):
    client = create()
    assert client.get(ORDERS).status_code == 200  # which loads the middleware
    memo = {}

    copied, key = deepcopy(client, memo), deepcopy(client.api_key, memo)
    copied.api_key.name = "Copy"
    copied.cookies["cookie"] = "of the copy"

    assert copied.api_key is key
    assert client.api_key.name != "Copy"
    assert "cookie" not in client.cookies
    assert copied.token == client.token
    assert copied.get(ORDERS).status_code == 200


def test_forced_user_stays_with_copy():
    client = create_client()
    copied = deepcopy(client)

    copied.force_authenticate(ApiClient("pk_test_x", "example.com", 1, "test", frozenset()))

    assert (copied.get(ORDERS).status_code, client.get(ORDERS).status_code) == (403, 200)
