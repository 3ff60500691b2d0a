"""A change in one process reaches the others: two servers, one database (security.md A11)."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any
from uuid import uuid4

import pytest

from tests.settings import ALL_DATABASES
from tests.support.processes import PREFIX, REQUIRED, Process, driver, manage, server

SERVER = ALL_DATABASES["postgresql"]

driver("psycopg")

pytestmark = [pytest.mark.services, pytest.mark.req("A11")]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Create a PostgreSQL database with the package's tables; return its name."""
    import psycopg
    from psycopg import sql

    account = {
        "host": SERVER["HOST"],
        "port": SERVER["PORT"],
        "user": SERVER["USER"],
        "password": SERVER["PASSWORD"],
    }
    try:
        connection = psycopg.connect(**account, dbname="postgres", autocommit=True)
    except psycopg.OperationalError:
        if REQUIRED:
            raise
        pytest.skip("PostgreSQL does not answer")
    name = f"test_tot_jwt_{uuid4().hex}"
    identifier = sql.Identifier(name)
    with connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            manage(name, "migrate", "--verbosity=0")
            yield name
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture(scope="module")
def two_servers(database: str) -> Iterator[Callable[[float], list[Process]]]:
    """``two_servers(max_age)``: start two processes that cache keys for so many seconds."""
    with ExitStack() as stack:
        yield cache(
            lambda max_age: [stack.enter_context(server(database, max_age)) for _ in range(2)]
        )


@pytest.fixture(scope="module")
def domain(database: str) -> str:
    """Create a domain with an active key that no test revokes."""
    domain = "example.com"
    manage(database, "tot_jwt", "create_domain", domain)
    manage(database, "tot_jwt", "create_key", domain, "--name", "Last")
    return domain


@pytest.fixture
def key(database: str, domain: str) -> dict[str, Any]:
    """Create a key with the command; return what it prints."""
    printed: dict[str, Any] = json.loads(
        manage(database, "tot_jwt", "create_key", domain, "--name", "One", "--json")
    )
    return printed


@pytest.mark.parametrize("max_age", [0, 1, 3600])
def test_revocation_by_token_reaches_all_processes(two_servers, key, max_age):
    here, elsewhere = two_servers(max_age)
    token = here.token(key)
    assert here.accepts(token)
    assert elsewhere.accepts(token)

    assert here.send("DELETE", f"/keys/{key['totApiKey']}", token) == (204, None)

    assert not here.accepts(token)
    if max_age == 3600:
        assert elsewhere.accepts(token)  # the other process has cached the key
    elif max_age:
        assert elsewhere.refuses_before_long(token)
    assert max_age == 3600 or not elsewhere.accepts(token)


@pytest.mark.parametrize("max_age", [0, 1])
def test_revocation_by_command_reaches_all_processes(two_servers, database, key, max_age):
    servers = two_servers(max_age)
    token = servers[0].token(key)
    assert [server.accepts(token) for server in servers] == [True, True]

    assert (
        json.loads(manage(database, "tot_jwt", "revoke_key", key["totApiKey"], "--json"))["status"]
        == "revoked"
    )

    for server_of_two in servers:
        assert max_age == 0 or server_of_two.refuses_before_long(token)
        assert not server_of_two.accepts(token)


def test_new_rights_work_everywhere_immediately(two_servers, key):
    here, elsewhere = two_servers(3600)
    token = here.token(key)
    child = here.send("POST", "/keys", token, {"name": "Child", "scopes": []})[1]
    assert elsewhere.token(child)

    status, rotated = here.send(
        "POST", f"/keys/{child['totApiKey']}/rotate", token, {"graceSeconds": 0}
    )

    assert status == 200
    assert elsewhere.accepts(elsewhere.token({**child, "totSecretKey": rotated["totSecretKey"]}))


ORDERS = "orders:read"


@pytest.fixture
def creator(database: str, domain: str) -> dict[str, Any]:
    """Create a key with a scope."""
    printed: dict[str, Any] = json.loads(
        manage(
            database, "tot_jwt", "create_key", domain, "--name", "C", "--scope", ORDERS, "--json"
        )
    )
    return printed


@pytest.mark.req("F0")
@pytest.mark.parametrize(
    ("change", "as_token", "exchanged"),
    [
        (None, (401, "token_revoked"), (401, "invalid_credentials")),
        ({"disabled": True}, (401, "token_revoked"), (401, "invalid_credentials")),
        ({"scopes": []}, (403, "insufficient_scope"), (403, "insufficient_permissions")),
        (
            {"allowedIps": ["192.0.2.0/24"]},
            (403, "insufficient_permissions"),
            (403, "insufficient_permissions"),
        ),
    ],
    ids=["revoked", "disabled", "narrowed", "pinned"],
)
def test_created_key_follows_creator_everywhere(two_servers, creator, change, as_token, exchanged):
    here, elsewhere = two_servers(1)
    own = here.token(creator)
    _, created = here.send("POST", "/keys", own, {"name": "Created", "scopes": [ORDERS]})
    token = elsewhere.token(created)
    wanted = {name: created[name] for name in ("appDomain", "totApiKey")}
    wanted |= {"totSecretKey": created["totSecretKey"], "scopes": [ORDERS]}
    for process in (here, elsewhere):
        assert process.ask("GET", "/scoped", token) == (200, None)

    path = f"/keys/{creator['totApiKey']}"
    answer = here.send("PATCH", path, own, change) if change else here.send("DELETE", path, own)
    assert answer[0] in (200, 204)

    assert here.ask("GET", "/scoped", token) == as_token
    assert elsewhere.answers_before_long(as_token, "GET", "/scoped", token)
    for process in (here, elsewhere):
        assert process.ask("GET", "/scoped", token) == as_token
        assert process.ask("POST", f"{PREFIX}/token", sent=wanted) == exchanged


@pytest.mark.parametrize("max_age", [0, 1])
def test_revoked_token_ends_on_all_processes(two_servers, key, max_age):
    here, elsewhere = two_servers(max_age)
    token, kept = here.token(key), here.token(key)
    assert [process.accepts(token) for process in (here, elsewhere)] == [True, True]

    assert here.send("DELETE", "/token", token) == (204, None)

    assert not here.accepts(token)
    assert max_age == 0 or elsewhere.refuses_before_long(token)
    assert not elsewhere.accepts(token)
    assert [process.accepts(kept) for process in (here, elsewhere)] == [True, True]
