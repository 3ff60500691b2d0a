"""The keys endpoints: lists, pages and filters (contract §5)."""

import json

import pytest

from tests.support.keys_calls import NOT_FOUND
from tests.support.keys_client import KEYS_URL
from tests.support.stored_keys import reread
from tot_jwt.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(make_key, key):
    """Create 119 keys of the domain beside the caller's own, oldest first."""
    like = reread(key)
    ApiKey.objects.bulk_create(
        ApiKey(
            public_key=f"k{number}", name=str(number), app_domain=like.app_domain, secret_hash="x"
        )
        for number in range(119)
    )
    make_key()  # of another domain


def test_list_is_paginated_newest_first(key, api, many):
    pages = [api.list(page=number).json() for number in (1, 2, 3)]

    names = [shown["name"] for page in pages for shown in page["results"]]
    assert names == [*(str(number) for number in reversed(range(119))), "Own"]
    assert [list(page) for page in pages] == [["count", "next", "previous", "results"]] * 3
    assert [(page["count"], len(page["results"])) for page in pages] == [
        (120, 50),
        (120, 50),
        (120, 20),
    ]
    url = "http://testserver" + KEYS_URL
    assert [page["next"] for page in pages] == [f"{url}?page=2", f"{url}?page=3", None]
    assert [page["previous"] for page in pages] == [None, f"{url}?page=1", f"{url}?page=2"]
    assert api.list().json() == pages[0]
    assert api.send("get", pages[0]["next"]).json() == pages[1]


def test_page_links_keep_status_filter(key, api, many):
    first = api.list(status="active").json()

    assert first["next"] == f"http://testserver{KEYS_URL}?status=active&page=2"
    assert api.send("get", first["next"]).json()["count"] == 120
    assert api.list(status="revoked").json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


@pytest.mark.parametrize(
    "page", ["0", "-1", "2", "", "x", "1.0", "9" * 30, "²", "٢", "1 ", "+1", "\0"]
)
def test_invalid_page_is_not_found(key, api, page):
    answer = api.list(page=page)

    assert (answer.status_code, answer.content) == (404, NOT_FOUND)


@pytest.mark.parametrize("status", ["", "Active", "x", "\0", "active "])
def test_unknown_status_filter_is_rejected(key, api, status):
    answer = api.list(status=status)

    assert answer.status_code == 400
    assert answer.json() == {
        "status": ["Must be one of active, expiring, expired, disabled, suspended, revoked."]
    }


def test_list_query_count_stays_constant(key, api, django_assert_num_queries):
    api.list()
    with django_assert_num_queries(2):
        api.list()
    for _ in range(7):
        assert api.create().status_code == 201
    api.list()

    with django_assert_num_queries(2):
        assert api.list().json()["count"] == 8
    with django_assert_num_queries(1):
        api.show(key)


@pytest.mark.req("F2")
def test_list_covers_own_domain_and_environment(key, api, make_key):
    make_key()
    make_key(app_domain=key.app_domain, environment="test")

    assert [shown["totApiKey"] for shown in api.list().json()["results"]] == [key.public_key]


def test_list_body_is_compact_json(api):
    content = api.list().content.decode()

    assert content == json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False)
