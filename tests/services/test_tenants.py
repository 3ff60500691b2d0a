"""Tenants with databases or schemas of their own, in one process (security.md B7)."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

import pytest
from django.conf import settings as host_settings

from tests.support import servers
from tests.support.process_faults import PATIENCE, process, settings_for_processes, sqlite
from tests.support.processes import PREFIX, Process, driver, manage
from tests.support.requests import TOKEN_URL

pytestmark = pytest.mark.req("B7")

ON_POSTGRESQL = pytest.mark.skipif(
    not host_settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
    reason="only the tests on PostgreSQL have django-tenants",
)
KEYS_URL = f"{PREFIX}/keys"
Keys = dict[str, dict[str, Any]]

#: States are cached for longer than any test takes.
TOT_JWT = {
    "KEY_STATE_MAX_AGE": 3600,
    "EXCHANGE_FAILURE_RATES": {"address": "2/day"},
    "KEY_CHANGE_RATE": "2/day",
    "TRUSTED_PROXIES": 1,
}


class Tenants:
    """A process, and the keys of its tenants "a" and "b".

    Each request comes from a new address, unless it has an address.
    """

    def __init__(self, running: Process, keys: Keys) -> None:
        self.process, self.keys = running, keys
        self._numbers = count()

    def send(
        self,
        tenant: str,
        method: str,
        url: str,
        sent: Any = None,
        *,
        token: str | None = None,
        address: str | None = None,
    ) -> tuple[int, Any]:
        """Send a request to the tenant. Return status and JSON of the answer."""
        headers = {
            "Host": f"{tenant}.example.com",
            "Content-Type": "application/json",
            "X-Forwarded-For": address or f"2001:db8:{next(self._numbers):x}::1",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=PATIENCE)
        with closing(connection):
            connection.request(method, url, json.dumps(sent) if sent else None, headers)
            answer = connection.getresponse()
            body = answer.read()
        return answer.status, json.loads(body) if body else None

    def token(self, tenant: str, name: str) -> str:
        """Return a new token of the tenant's key with this name."""
        status, answer = self.send(tenant, "POST", TOKEN_URL, self.keys[tenant][name])
        assert status == 200, answer
        return str(answer["token"])


@contextmanager
def start(module: str, databases: dict[str, Any], fill: str) -> Iterator[Tenants]:
    """Create the tenants, and start a process for them."""
    module = f"tests.support.tenants.{module}"
    code = f"from tests.support.tenants.fill import {fill}; {fill}()"
    with settings_for_processes({"DATABASES": databases}):
        keys = json.loads(manage("", "shell", "--no-imports", "-c", code, module=module))
    with process(databases, module=module, TOT_JWT=TOT_JWT) as running:
        yield Tenants(running, keys)


@pytest.fixture(scope="module")
def databases_of_tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    """Start a process with a SQLite file for each tenant."""
    folder = tmp_path_factory.mktemp("tenants")
    files = {name: sqlite(folder / name)["default"] for name in ("default", "a", "b")}
    with start("settings", files, "fill_databases") as tenants:
        yield tenants


@pytest.fixture(scope="module")
def schemas_of_tenants(postgresql: servers.PostgreSQL) -> Iterator[Tenants]:
    """Start a process with a schema of PostgreSQL for each tenant."""
    driver("django_tenants")
    database = {**postgresql.settings, "ENGINE": "django_tenants.postgresql_backend"}
    with start("schema_settings", {"default": database}, "fill_schemas") as tenants:
        yield tenants


@pytest.fixture(
    params=[
        "databases_of_tenants",
        pytest.param("schemas_of_tenants", marks=[pytest.mark.services, ON_POSTGRESQL]),
    ]
)
def tenants(request: pytest.FixtureRequest) -> Tenants:
    started: Tenants = request.getfixturevalue(request.param)
    return started


def test_keys_work_at_their_tenant_only(tenants):
    key = tenants.keys["a"]["own"]
    for url in (TOKEN_URL, "/me"):
        answers = [tenants.send(tenant, "POST", url, key)[0] for tenant in "aba"]
        assert answers == [200, 401, 200]


def test_tokens_work_at_their_tenant_only(tenants):
    token = tenants.token("a", "own")
    for url in (TOKEN_URL, "/me", KEYS_URL):
        answers = [tenants.send(tenant, "GET", url, token=token)[0] for tenant in "aba"]
        assert answers == [200, 401, 200]
    for tenant, status in (("b", 401), ("a", 204), ("a", 401)):
        assert tenants.send(tenant, "DELETE", TOKEN_URL, token=token)[0] == status


def test_listed_keys_are_the_tenants(tenants):
    listed = {}
    for tenant in "ab":
        token = tenants.token(tenant, "own")
        answer = tenants.send(tenant, "GET", KEYS_URL, token=token)[1]
        # Other tests may have created keys, which have names of their own.
        keys = [key for key in answer["results"] if key["name"] in "ab"]
        listed[tenant] = {key["totApiKey"] for key in keys}

    for tenant, keys in tenants.keys.items():
        assert listed[tenant] == {key["totApiKey"] for key in keys.values()}
        # The other tenant's key is not found, although its state is cached.
        other = tenants.keys["b" if tenant == "a" else "a"]["own"]["totApiKey"]
        token = tenants.token(tenant, "own")
        assert tenants.send(tenant, "GET", f"{KEYS_URL}/{other}", token=token)[0] == 404


def test_same_public_key_has_separate_states(tenants):
    for tenant in "abab":
        key = tenants.keys[tenant]["shared"]
        other = tenants.keys["b" if tenant == "a" else "a"]["shared"]
        assert tenants.send(tenant, "POST", "/me", other)[0] == 401
        assert tenants.send(tenant, "POST", "/me", key)[1]["scopes"] == [tenant]
        token = tenants.token(tenant, "shared")
        scopes = tenants.send(tenant, "GET", "/me", token=token)[1]["scopes"]
        assert scopes == [tenant, "keys:manage"]


def test_times_of_use_are_separate(tenants):
    for tenant in "ab":
        key = tenants.keys[tenant]["used"]
        assert tenants.send(tenant, "POST", "/me", key)[0] == 200
        token = tenants.token(tenant, "own")
        shown = tenants.send(tenant, "GET", f"{KEYS_URL}/{key['totApiKey']}", token=token)[1]
        assert shown["lastUsedAt"] is not None


def test_failures_are_counted_apart(tenants):
    statuses = {
        tenant: [
            tenants.send(
                tenant,
                "POST",
                TOKEN_URL,
                {**tenants.keys[tenant]["shared"], "totSecretKey": "wrong"},
                address="192.0.2.1",
            )[0]
            for _ in range(3)
        ]
        for tenant in "ab"
    }

    assert statuses == {"a": [401, 401, 429], "b": [401, 401, 429]}


def test_key_changes_are_counted_apart(tenants):
    statuses = {}
    for tenant in "ab":
        token = tenants.token(tenant, "shared")
        new_key = {"name": "New", "scopes": []}
        statuses[tenant] = [
            tenants.send(tenant, "POST", KEYS_URL, new_key, token=token)[0] for _ in range(3)
        ]

    assert statuses == {"a": [201, 201, 429], "b": [201, 201, 429]}
