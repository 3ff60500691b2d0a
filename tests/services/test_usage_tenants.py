"""The counts of tenants with databases or schemas of their own (security.md B7)."""

import http.client
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings as host_settings

from tests.support import servers
from tests.support.process_faults import PATIENCE, process, select, settings_for_processes, sqlite
from tests.support.processes import driver, manage
from tests.support.requests import JSON, TOKEN_URL
from tests.support.uses import SUMS

pytestmark = [pytest.mark.req("B7"), pytest.mark.req("D3")]

#: For each tenant in turn, so many exchanges, and so many with a wrong secret.
USES = [("a", 2, 1), ("b", 1, 2), ("a", 2, 0), ("b", 1, 0)]
EXPECTED = {"a": [(4, 1)], "b": [(2, 2)]}


def use_keys(module: str, databases: dict[str, Any], fill: str) -> None:
    """Create the tenants, and use their keys with the same public key in a process that exits."""
    driver("gunicorn")  # another server is killed
    module = f"tests.support.tenants.{module}"
    code = f"from tests.support.tenants.fill import {fill}; {fill}()"
    with settings_for_processes({"DATABASES": databases}):
        keys = json.loads(manage("", "shell", "--no-imports", "-c", code, module=module))
    with process(databases, module=module) as running:
        for tenant, exchanges, guesses in USES:
            key = keys[tenant]["shared"]
            wrong = {**key, "totSecretKey": "wrong"}
            sent = [*[key] * exchanges, *[wrong] * guesses]
            statuses = [exchange(running.port, tenant, credentials) for credentials in sent]
            assert statuses == [200] * exchanges + [401] * guesses


def exchange(port: int, tenant: str, credentials: dict[str, str]) -> int:
    """Return the status of an exchange at the tenant."""
    headers = {"Host": f"{tenant}.example.com", "Content-Type": JSON}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", TOKEN_URL, json.dumps(credentials), headers)
        return connection.getresponse().status


def test_databases_of_tenants_have_their_counts(tmp_path):
    files = {name: sqlite(tmp_path / name)["default"] for name in ("default", "a", "b")}

    use_keys("settings", files, "fill_databases")

    assert {tenant: select(tmp_path / tenant, SUMS) for tenant in "ab"} == EXPECTED


@pytest.mark.services
@pytest.mark.skipif(
    not host_settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
    reason="only the tests on PostgreSQL have django-tenants",
)
def test_schemas_of_tenants_have_their_counts(
    postgresql: servers.PostgreSQL, query: Callable[..., list[Any]]
):
    driver("django_tenants")
    database = {**postgresql.settings, "ENGINE": "django_tenants.postgresql_backend"}

    use_keys("schema_settings", {"default": database}, "fill_schemas")

    sums = {}
    for tenant in "ab":
        query(f"SET search_path TO {tenant}")
        sums[tenant] = query(SUMS)
    assert sums == EXPECTED
