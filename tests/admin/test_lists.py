"""The order of the lists, their search, and URLs that no page expects."""

import itertools

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.admin import ADD_KEY, DOMAINS, EVENTS, KEYS, listed

GARBAGE = ("x", "", "\0", "9" * 22, "-1", "[", "2026-13-45", "9999-12-31T23:59:59-12:00", "😀")
FIELDS = (
    *("name", "scopes", "allowed_ips", "environment", "app_domain", "can_issue_tokens", "new_key"),
    *("expires_at", "metadata", "rate_limit", "domain", "aliases", "contact", "external_id"),
)
FILTERS = (
    *("e", "p", "o", "q", "all", "status", "_facets", "_popup", "_to_field", "environment__exact"),
    *("app_domain__id__exact", "app_domain__id__in", "created_by_key__id__exact", "at__gte"),
    *("expires_at__gte", "last_used_at__isnull", "name__regex", "id__in", "metadata__a", "key__id"),
    *("key__id__exact", "at__year", "action__exact", "suspended_at__gte", "nothing"),
)


@pytest.mark.parametrize("url", [ADD_KEY, f"{DOMAINS}add/"])
def test_values_in_url_break_no_form(url, superuser, client):
    for name, value in itertools.product(FIELDS, GARBAGE):
        assert client.get(url, {name: value}).status_code == 200, (name, value)


@pytest.mark.parametrize("url", [KEYS, DOMAINS, EVENTS])
def test_filters_in_url_break_no_list(url, superuser, client, make_key):
    make_key()
    for name, value in itertools.product(FILTERS, GARBAGE):
        status = client.get(url, {name: value}).status_code
        assert status in (200, 302, 400), (name, value)


@pytest.mark.parametrize("url", [KEYS, DOMAINS, EVENTS])
@pytest.mark.parametrize(
    "query",
    [
        {"id__range": "1"},
        {"pk__range": "1,2,3"},
        {"created_at__range": "1"},
        {"at__range": ""},
        {"id__isnull": "2"},
        {f"metadata{'__a' * 200}": "1"},
        {f"metadata{'__a' * 900}": "1"},
        {f"app_domain__metadata{'__a' * 300}": "1"},
        {f"name{'__lower' * 900}": "1"},
        {"q": "a " * 1500},
        {"q": "é " + "a " * 1500},
        {"q": "é " * 1500},
        {"q": "a" * 60_000},
    ],
    ids=lambda query: str(query)[:40],
)
def test_extreme_filters_break_no_list(query, url, superuser, client, make_key):
    make_key()

    assert client.get(url, query).status_code in (200, 302, 400)


def test_unusable_filter_leads_to_the_list(superuser, client, make_key, caplog):
    make_key()

    response = client.get(KEYS, {"id__range": "1"})

    assert response["Location"] == f"{KEYS}?e=1"
    assert "cannot filter tot_jwt.ApiKey as asked: IndexError" in caplog.text
    assert client.get(KEYS, {"metadata__plan": '"gold"'}).status_code == 200


def test_failure_for_filtered_rows_redirects(superuser, client, make_key):
    """The database counts the rows, but cannot return them."""
    make_key(name="Shop")

    def fail(*args):
        raise DatabaseError

    with connection.execute_wrapper(only_on("secret_hint", fail)):
        response = client.get(KEYS, {"q": "Shop"})

    assert response["Location"] == f"{KEYS}?e=1"


def test_unusable_filters_keep_other_answers(log_in, client, make_key):
    make_key()
    log_in("view_apikey")

    assert client.get(KEYS, {"secret_hash__startswith": "a"}).status_code == 400
    assert client.get(DOMAINS, {"id__range": "1"}).status_code == 403


def test_numbers_in_url_break_no_page(superuser, client):
    for model, page, number in itertools.product(
        ("apikey", "appdomain", "keyevent"), ("change", "history", "delete"), ("x", "9" * 22, "%00")
    ):
        url = f"/admin/tot_jwt/{model}/{number}/{page}/"
        assert client.get(url).status_code in (302, 403, 404), url


def test_date_in_url_fills_the_form(superuser, client):
    page = client.get(ADD_KEY, {"expires_at": "2999-12-30 10:00"})

    assert page.context["adminform"].form.initial["expires_at"].year == 2999


def test_error_flag_alone_lists_all(superuser, client, make_key):
    make_key()

    assert client.get(KEYS, {"e": "1"}).status_code == 200


@pytest.mark.parametrize("field", ["last_used_at", "expires_at"])
@pytest.mark.parametrize("direction", ["", "-"])
def test_keys_without_value_come_last(field, direction, superuser, client, make_key):
    now = timezone.now()
    moments = [None, now, now + timezone.timedelta(days=1), None]
    keys = [make_key(**{field: moment}) for moment in moments]
    columns = {"last_used_at": "last_used", "expires_at": "expires"}
    shown = client.get(KEYS).context["cl"].list_display
    column = next(number for number, name in enumerate(shown) if name in (field, columns[field]))

    rows = listed(client.get(KEYS, {"o": f"{direction}{column}"}))

    used = [keys[1], keys[2]]
    assert rows[:2] == (used[::-1] if direction else used)


@pytest.mark.parametrize(
    "term",
    ["bücher.example", "bücher", "BÜCHER", "büch", "bu\u0308cher", "ＢÜＣＨＥＲ", '"bücher"'],
)
def test_search_finds_unicode_domains(term, superuser, client, make_key, make_domain):
    key = make_key(app_domain=make_domain(domain="xn--bcher-kva.example"))
    make_key(app_domain=make_domain(domain="xn--kche-0ra.example"))
    make_key(app_domain=make_domain(domain="becher.example"))

    assert listed(client.get(KEYS, {"q": term})) == [key]
    assert listed(client.get(DOMAINS, {"q": term})) == [key.app_domain]
    assert {event.key for event in listed(client.get(EVENTS, {"q": term}))} == {key}
    found = client.get(
        "/admin/autocomplete/",
        {"app_label": "tot_jwt", "model_name": "apikey", "field_name": "app_domain", "term": term},
    )
    assert [row["id"] for row in found.json()["results"]] == [str(key.app_domain_id)]


@pytest.mark.parametrize(
    ("domain", "term", "found"),
    [
        ("shop.example", "ｓｈｏｐ", True),
        ("xn--a-ecp.com", "ü-ü", False),
        ("xn--99999999999999.example", "ü-ü", False),
        ("shop.example", "\u200b\ufffe", False),
        ("xn--strae-oqa.example", "STRAßE", True),
    ],
)
def test_search_reads_any_domain(domain, term, found, superuser, client, make_key, make_domain):
    make_key(app_domain=make_domain(domain=domain))

    assert bool(listed(client.get(KEYS, {"q": term}))) is found


@pytest.mark.parametrize("word", ["m", "é", '"m m"'])
def test_search_of_many_words_stays_small(word, superuser, client, make_key, make_domain):
    key = make_key(name=f"é m m {word}", app_domain=make_domain(name="é m m"))

    def length(count):
        with CaptureQueriesContext(connection) as queries:
            rows = listed(client.get(KEYS, {"q": " ".join(["é", *[word] * count])}))
        assert rows == [key]
        return max(len(query["sql"]) for query in queries)

    one, two = length(1), length(2)
    assert length(25) <= one + 24 * (two - one) + 100


@pytest.mark.parametrize("term", ["a " * 1500, "é " + "m " * 9, "é " * 1500, "a\0" * 30_000])
def test_any_term_breaks_no_autocompletion(term, superuser, client, make_domain):
    make_domain(name="é m")

    found = client.get(
        "/admin/autocomplete/",
        {"app_label": "tot_jwt", "model_name": "apikey", "field_name": "app_domain", "term": term},
    )

    assert found.status_code == 200


@pytest.mark.parametrize(("words", "found"), [(31, False), (32, True)])
def test_search_ignores_words_after_32(words, found, superuser, client, make_key):
    make_key(name="a")

    assert bool(listed(client.get(KEYS, {"q": "a " * words + "nothing"}))) is found


def test_search_finds_aliases_and_ids(superuser, client, make_key, make_domain):
    domain = make_domain(aliases="www.xn--bcher-kva.example", external_id="C-17")
    key = make_key(app_domain=domain, name="Küche")
    make_key()

    for term in ("www.xn", "bücher", "C-17", "Küche bücher"):
        assert listed(client.get(KEYS, {"q": term})) == [key]
    for term in ("www.xn", "bücher", "C-17"):
        assert listed(client.get(DOMAINS, {"q": term})) == [domain]
    assert listed(client.get(KEYS, {"q": "Küche nothing"})) == []


def test_another_database_failure_is_an_error(superuser, client):
    def fail(*args):
        raise DatabaseError

    with connection.execute_wrapper(only_on("tot_jwt_apikey", fail)), pytest.raises(DatabaseError):
        client.get(KEYS, {"e": "1"})


def only_on(table, fail):
    """Return a wrapper of statements that fails for those on this table."""

    def wrapper(execute, sql, *args):
        return fail() if table in sql else execute(sql, *args)

    return wrapper
