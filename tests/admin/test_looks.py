"""What the pages tell beside the settings: where a status comes from, how many keys are concerned.

The browser's tests measure the pages. These read the words, and the style sheet.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from tests.support.admin import DOMAINS, KEYS, change_url, run_action, text, words
from tests.support.created_keys import created_by
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import resume_domain, suspend_domain
from tot_jwt.models import AppDomain

NOW = timezone.now()
DAY = timedelta(days=1)


def row_of(client, key):
    """Return the words of the key's row in the list."""
    rows = text(client.get(KEYS)).partition('id="result_list"')[2].split("<tr")
    (row,) = [row for row in rows if f">{key.public_key}<" in row]
    return " ".join(re.sub(r"<[^>]*>", " ", f"<tr{row.partition('</tr>')[0]}").split())


# The list


def test_row_tells_all_that_matters(superuser, client, make_key, settings):
    settings.TIME_ZONE = "UTC"
    key = make_key(
        name="Checkout",
        environment="test",
        scopes=["orders:read"],
        app_domain__domain="shop.example",
        last_used_at="2026-03-01T12:00:00Z",
    )

    assert row_of(client, key) == (
        f"Checkout {key.public_key} …{key.secret_hint} ✓ active shop.example test "
        "last used March 1, 2026, noon expires never"
    )


def test_row_of_imported_key_lacks_hint(superuser, client, make_key):
    key = make_key(secret_hint="", expires_at="2041-03-01T12:00:00Z")

    assert f"{key.public_key} ✓ active" in row_of(client, key)
    assert "last used never expires March 1, 2041" in row_of(client, key)


def test_list_leaves_scopes_to_page(superuser, client, make_key):
    key = make_key(scopes=["orders:read"])

    assert "orders:read" not in text(client.get(KEYS))
    assert "orders:read" in text(client.get(change_url(key)))


@pytest.mark.parametrize("url", [KEYS, DOMAINS])
def test_long_domain_shows_whole_as_tooltip(url, superuser, client, make_key):
    domain = ".".join(letter * 60 for letter in "abcd")
    make_key(app_domain__domain=domain)

    assert f'title="{domain}"' in text(client.get(url))


# Where a status comes from


@pytest.mark.parametrize(
    ("creator", "own", "told"),
    [
        ({"revoked_at": NOW}, {}, "✕ revoked its creator is revoked"),
        ({"disabled_at": NOW}, {}, "– disabled its creator is disabled"),
        ({"expires_at": NOW - DAY}, {}, "○ expired its creator is expired"),
        ({"expires_at": NOW + DAY}, {}, "! expiring soon its creator is expiring soon"),
        ({"revoked_at": NOW}, {"disabled_at": NOW}, "✕ revoked its creator is revoked"),
        ({"disabled_at": NOW}, {"revoked_at": NOW}, "✕ revoked"),
        ({"disabled_at": NOW}, {"disabled_at": NOW}, "– disabled"),
        ({"disabled_at": NOW}, {"released_at": NOW}, "✓ active released"),
        ({}, {"app_domain__suspended_at": NOW}, "‖ suspended"),
        ({}, {}, "✓ active"),
    ],
)
def test_status_tells_where_it_comes_from(creator, own, told, superuser, client, make_key):
    parent = make_key(name="Creator", **creator)
    suspended_at = own.pop("app_domain__suspended_at", None)
    key = created_by(parent, name="Created", **own)
    AppDomain.objects.filter(pk=key.app_domain_id).update(suspended_at=suspended_at)

    assert f"{told} {key.app_domain.domain}" in row_of(client, key)
    assert f"Status: {told} Name:" in words(client.get(change_url(key)))
    assert "its creator" not in row_of(client, parent)


# How many keys an action concerns


@pytest.fixture
def domain_of_many(make_domain, make_key):
    """Return a domain with four keys that work and four that do not."""
    domain = make_domain()
    creator = make_key(app_domain=domain, disabled_at=NOW)
    created_by(creator)
    created_by(creator, released_at=NOW)
    make_key(app_domain=domain, expires_at=NOW + DAY)
    make_key(app_domain=domain, expires_at=NOW - DAY)
    make_key(app_domain=domain, revoked_at=NOW)
    make_key(app_domain=domain)
    make_key(app_domain=domain, environment="test")
    make_key()
    return domain


def test_question_counts_keys_that_stop(superuser, client, domain_of_many, make_key):
    other = make_key().app_domain

    one = run_action(client, "suspend_domains", domain_of_many)
    both = run_action(client, "suspend_domains", domain_of_many, other)

    assert "This concerns 8 API keys. 4 of them work now." in words(one)
    assert "This concerns 9 API keys. 5 of them work now." in words(both)


def test_question_counts_keys_that_revive(superuser, client, domain_of_many):
    suspend_domain(domain_of_many)

    asked = run_action(client, "resume_domains", domain_of_many)

    assert "This concerns 8 API keys. 4 of them work again." in words(asked)


@pytest.mark.parametrize(
    ("usable", "stopped", "stopping", "reviving"),
    [
        (0, 0, "0 API keys.", "0 API keys."),
        (1, 0, "1 API key. It works now.", "1 API key. It works again."),
        (0, 1, "1 API key. It does not work now.", "1 API key. It does not work then."),
        (2, 0, "2 API keys. All of them work now.", "2 API keys. All of them work again."),
        (0, 2, "2 API keys. They do not work now.", "2 API keys. They do not work then."),
        (1, 1, "2 API keys. 1 of them works now.", "2 API keys. 1 of them works again."),
        (2, 1, "3 API keys. 2 of them work now.", "3 API keys. 2 of them work again."),
    ],
)
def test_question_words_agree_with_number(
    usable, stopped, stopping, reviving, superuser, client, make_domain, make_key
):
    domain = make_domain()
    for disabled_at in [None] * usable + [NOW] * stopped:
        make_key(app_domain=domain, disabled_at=disabled_at)

    suspending = words(run_action(client, "suspend_domains", domain))
    suspend_domain(domain)
    resuming = words(run_action(client, "resume_domains", domain))

    assert f"This concerns {stopping} ✓ active {domain.name}" in suspending
    assert f"This concerns {reviving} ‖ suspended {domain.name}" in resuming


def test_count_agrees_with_what_happens(superuser, client, domain_of_many):
    def usable():
        return domain_of_many.api_keys.usable().count()

    before = usable()
    suspend_domain(domain_of_many)
    assert usable() == 0
    resume_domain(domain_of_many)
    assert before == usable() == 4


@pytest.mark.parametrize("name", ["suspend_domains", "resume_domains"])
@pytest.mark.parametrize("number", [1, 9])
def test_many_domains_cost_no_queries(
    number, name, superuser, client, make_key, django_assert_num_queries
):
    suspended_at = NOW if name == "resume_domains" else None
    keys = [make_key(app_domain__suspended_at=suspended_at) for _ in range(number)]

    # Session, user, number of domains, domains, and the count of their keys.
    with django_assert_num_queries(5):
        asked = run_action(client, name, *[key.app_domain for key in keys])
    assert f"This concerns {number} API key" in words(asked)


@pytest.mark.parametrize("name", ["disable_keys", "revoke_keys"])
def test_question_counts_created_keys_too(name, superuser, client, family):
    lifecycle.disable_key(family[2])

    asked = words(run_action(client, name, family[0], family[4]))

    told, title = {
        "disable_keys": ("2 API keys. All of them work now.", "stop too (1)"),
        "revoke_keys": ("3 API keys. 2 of them work now.", "end too (2)"),
    }[name]
    assert f"This concerns {told}" in asked
    assert f"These created keys {title}" in asked
    assert "These items do not change (1)" in asked


def test_question_without_effect_counts_nothing(superuser, client, make_key, make_domain):
    revoking = run_action(client, "revoke_keys", make_key(revoked_at=NOW))
    resuming = run_action(client, "resume_domains", make_domain())

    assert "This concerns" not in words(revoking)
    assert "This concerns" not in words(resuming)


# The style sheet


def style_sheet():
    """Return the style sheet's variables and its other rules, without comments."""
    path = Path(finders.find("tot_jwt/admin.css"))
    css = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    variables, _, rules = css.partition("}")
    return variables, rules


def test_each_color_has_a_fallback():
    """A theme need not have the variables of Django's admin."""
    variables, rules = style_sheet()
    own = set(re.findall(r"(--tot-[\w-]+):", variables))

    bare = set(re.findall(r"var\((--[\w-]+)\)", variables + rules))
    assert bare <= own
    assert set(re.findall(r"var\((--tot-[\w-]+)", variables + rules)) <= own


def test_rules_name_no_color_themselves():
    _, rules = style_sheet()

    assert re.findall(r"#[0-9a-f]{3,8}\b(?![\w-])|rgba?\(", rules) == []
