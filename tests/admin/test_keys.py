"""The list of keys, and which pages may show what of a secret."""

import pytest
from django.utils import timezone

from tests.support.admin import (
    ADD_KEY,
    DOMAINS,
    INLINE,
    KEYS,
    change_url,
    listed,
    new_key_data,
    run_action,
    text,
)
from tot_jwt.keys import lifecycle
from tot_jwt.models import KeyStatus


@pytest.mark.parametrize("status", KeyStatus)
def test_status_filter_lists_its_keys(status, superuser, client, key_of_each_status):
    response = client.get(KEYS, {"status": status.value})

    assert listed(response) == [key_of_each_status[status]]
    assert f"tot-badge-{status}" in text(response)


def test_unknown_status_lists_all_keys(superuser, client, key_of_each_status):
    response = client.get(KEYS, {"status": "lost", "_facets": "True"})

    assert listed(response) == list(reversed(key_of_each_status.values()))
    assert "revoked (1)" in text(response)


@pytest.mark.parametrize("attribute", ["public_key", "name", "app_domain"])
def test_search_finds_key_by_attribute(attribute, superuser, client, make_key):
    keys = [make_key(name="Shop counter"), make_key(name="Warehouse")]

    assert listed(client.get(KEYS, {"q": str(getattr(keys[1], attribute))})) == [keys[1]]


@pytest.mark.parametrize("url", [KEYS, DOMAINS])
def test_long_list_costs_no_more_queries(
    url, superuser, client, make_key, django_assert_num_queries
):
    creator = make_key()
    make_key(created_by_key=creator)
    with django_assert_num_queries(4):
        client.get(url)
    for _ in range(5):
        make_key(created_by_key=make_key())
    with django_assert_num_queries(4):
        client.get(url)


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, "There are no items yet."), ({"q": "nothing"}, "No items match the search")],
)
def test_empty_list_says_why(query, expected, superuser, client):
    assert expected in text(client.get(KEYS, query))


@pytest.mark.parametrize("events", [1, 30])
def test_long_history_costs_no_more_queries(
    events, superuser, client, make_key, django_assert_num_queries
):
    key = make_key()
    for _ in range(events):
        lifecycle.end_tokens(key)
        make_key(created_by_key=key)

    # Session, user, key, app domain, created keys, usage.
    with django_assert_num_queries(6):
        client.get(change_url(key))


def test_key_page_links_to_created_keys(superuser, client, family):
    url = f"{KEYS}?created_by_key__id__exact={family[0].pk}"

    assert f'href="{url}">4</a>' in text(client.get(change_url(family[0])))
    assert {key.name for key in listed(client.get(url))} == {"First", "Second", "Released", "Gone"}


@pytest.mark.req("E4")
def test_key_pages_contain_nothing_inline(superuser, client, make_key, make_domain):
    pages = [
        client.post(ADD_KEY, new_key_data(client, make_domain())),
        run_action(client, "revoke_keys", make_key()),
        client.get(KEYS),
    ]

    for page in map(text, pages):
        assert "tot_jwt/admin.css" in page
        assert not INLINE.search(page)


@pytest.mark.req("E5")
@pytest.mark.parametrize("guess", ["sha256$", "nonsense"])
@pytest.mark.parametrize(
    "lookup", ["", "__startswith", "__regex", "__contains", "__gt", "__in", "__isnull"]
)
@pytest.mark.parametrize(
    ("url", "field"),
    [
        (KEYS, "secret_hash"),
        (KEYS, "previous_secret_hash"),
        (KEYS, "created_by_key__secret_hash"),
        (KEYS, "created_keys__secret_hash"),
        (KEYS, "app_domain__api_keys__previous_secret_hash"),
        (DOMAINS, "api_keys__secret_hash"),
        (DOMAINS, "api_keys__previous_secret_hash"),
    ],
)
def test_list_rejects_filter_by_hash(url, field, lookup, guess, log_in, client, make_key):
    make_key()
    log_in("view_apikey", "view_appdomain")

    assert client.get(url, {f"{field}{lookup}": guess}).status_code == 400


@pytest.mark.req("E5")
def test_list_accepts_filter_by_other_fields(log_in, client, make_key):
    key, other = make_key(), make_key()
    log_in("view_apikey")

    assert listed(client.get(KEYS, {"app_domain__id__exact": key.app_domain_id})) == [key]
    assert listed(client.get(KEYS, {"public_key__startswith": other.public_key})) == [other]


@pytest.mark.req("E5")
def test_pages_never_show_a_hash(superuser, client, make_key):
    key = make_key(previous_secret_hash="sha256$previous")
    pages = [KEYS, DOMAINS, change_url(key), change_url(key.app_domain), f"{KEYS}{key.pk}/history/"]
    autocomplete = {
        "app_label": "tot_jwt",
        "model_name": "apikey",
        "field_name": "app_domain",
        "term": "app",
    }

    answers = [client.get(url) for url in pages]
    answers += [
        client.get("/admin/autocomplete/", autocomplete),
        client.get(KEYS, {"q": key.secret_hash}),
    ]

    assert all(answer.status_code == 200 for answer in answers)
    assert not any(
        "sha256$" in text(answer).replace(f'value="{key.secret_hash}"', "") for answer in answers
    )
    assert listed(answers[-1]) == []


@pytest.mark.parametrize("scopes", [{"SCOPES": {"orders:read": "Read orders"}}, {}])
def test_revoked_key_is_read_only(scopes, settings, superuser, client, make_key):
    settings.TOT_JWT = scopes
    key = make_key(scopes=["orders:read"], allowed_ips=["10.0.0.0/8"], revoked_at=timezone.now())

    page = text(client.get(change_url(key)))

    assert "orders:read</code>" in page
    assert "10.0.0.0/8</code>" in page
    assert 'name="_save"' not in page
    assert "…</button>" not in page
    assert client.post(change_url(key), {"name": "New"}).status_code == 403
