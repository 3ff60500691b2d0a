"""Databases that cannot store every character (security.md C9)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings as host_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.support.keys_client import KEYS_URL, KeysClient, client_of, code_of
from tests.support.requests import TOKEN_URL, bearer, body, key_headers
from tests.support.tokens import claims_for, sign

ENGINE = host_settings.DATABASES["default"]["ENGINE"]
LATIN1 = "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
NAME = "test_tot_jwt_few_characters"

pytestmark = [
    pytest.mark.services,
    pytest.mark.req("C9"),
    pytest.mark.skipif(ENGINE.endswith("sqlite3"), reason="SQLite stores every character"),
]

#: No public key, and not to be stored in LATIN1, in utf8mb3 or in both.
STRANGE = ["\U0001f600", "pk_live_\U0001f600", "\u0141", "pk_live_\u20ac", "\u0130", "\u00e9"]


@pytest.fixture(scope="module", autouse=True)
def few_characters(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Move the tests to a LATIN1 database on PostgreSQL, or a utf8mb3 database on MariaDB."""
    before = connection.settings_dict
    is_mysql = ENGINE.endswith("mysql")
    with django_db_blocker.unblock():
        _execute(f"CREATE DATABASE {NAME} {'CHARACTER SET utf8mb3' if is_mysql else LATIN1}")
        connection.close()
        options = {**before["OPTIONS"], **({"charset": "utf8mb3"} if is_mysql else {})}
        connection.settings_dict = {**before, "NAME": NAME, "OPTIONS": options}
        try:
            call_command("migrate", "tot_jwt", verbosity=0)
            yield
        finally:
            connection.close()
            connection.settings_dict = before
            _execute(f"DROP DATABASE {NAME}")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def key(make_key: Any) -> Any:
    return make_key()


def test_database_knows_its_characters(db):
    name = "character_set_database" if ENGINE.endswith("mysql") else "server_encoding"
    select = f"SELECT @@{name}" if ENGINE.endswith("mysql") else f"SHOW {name}"
    with connection.cursor() as cursor:
        cursor.execute(select)
        assert cursor.fetchone()[0].lower() in ("latin1", "utf8mb3")


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_key_is_unknown_without_query(key, django_assert_num_queries, strange):
    sent = body(key, totApiKey=strange)
    headers = {**key_headers(key), "Tot-Api-Key": strange}
    token = sign(claims_for(key, sub=strange))
    client = Client()

    with django_assert_num_queries(0):
        refused = [
            client.post(TOKEN_URL, sent, content_type="application/json"),
            client.post("/me", sent, content_type="application/json"),
            client.post("/me", urlencode(sent), content_type="application/x-www-form-urlencoded"),
            client.get("/me", headers=headers),
            client.get("/me", headers=bearer(token)),
            client.get(TOKEN_URL, headers=bearer(token)),
        ]

    assert [answer.status_code for answer in refused] == [401] * 6


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_key_is_not_found(key, django_assert_num_queries, strange):
    api = client_of(key)
    url = f"{KEYS_URL}/{quote(strange)}"

    with django_assert_num_queries(0):
        answers = [
            api.send("get", url),
            api.send("patch", url, {"name": "x"}),
            api.send("delete", url),
            api.send("post", f"{url}/rotate", {}),
        ]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 4


def test_usual_key_works_there(key, make_token):
    api = KeysClient(make_token(key))

    assert Client().get("/me", headers=key_headers(key)).status_code == 200
    assert api.show(key).status_code == 200
