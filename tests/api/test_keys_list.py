"""The keys endpoints: lists, pages and filters (contract §5)."""

import json
from typing import Any

import pytest

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


def walk(api, answer, link="next"):
    """Yield the pages from this response on, along their links."""
    pages = 0
    while answer is not None:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        yield page
        pages += 1
        assert pages < 5, "The links lead in a circle."
        answer = page[link] and api.send("get", page[link])


def test_list_is_paginated_newest_first(key, api, many):
    pages = list(walk(api, api.list()))

    names = [shown["name"] for page in pages for shown in page["results"]]
    assert names == [*(str(number) for number in reversed(range(119))), "Own"]
    assert [list(page) for page in pages] == [["count", "next", "previous", "results"]] * 3
    assert [(page["count"], len(page["results"])) for page in pages] == [
        (120, 50),
        (120, 50),
        (120, 20),
    ]
    url = f"http://testserver{KEYS_URL}?cursor="
    assert [page["next"] and page["next"].startswith(url) for page in pages] == [True, True, None]
    assert list(walk(api, api.send("get", pages[1]["next"]), "previous")) == pages[::-1]


def test_page_links_keep_status_filter(key, api, many):
    pages = list(walk(api, api.list(status="active")))

    url = f"http://testserver{KEYS_URL}?status=active&cursor="
    assert pages[0]["next"].startswith(url)
    assert pages[2]["previous"].startswith(url)
    assert [page["count"] for page in pages] == [120] * 3
    assert api.list(status="revoked").json() == EMPTY


EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


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


def test_every_page_queries_four_times(key, api, many, django_assert_num_queries):
    """The place of the cursor, the page, what lies on its other side, and the count."""
    second = api.send("get", api.list().json()["next"]).json()

    for link in (second["next"], second["previous"]):
        with django_assert_num_queries(4):
            assert api.send("get", link).status_code == 200


@pytest.mark.req("F2")
def test_list_covers_own_domain_and_environment(key, api, make_key):
    make_key()
    make_key(app_domain=key.app_domain, environment="test")

    assert [shown["totApiKey"] for shown in api.list().json()["results"]] == [key.public_key]


def test_list_body_is_compact_json(api):
    content = api.list().content.decode()

    assert content == json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False)
