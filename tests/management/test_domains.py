"""The subcommands for app domains."""

from typing import Any

import pytest
from django.core.management import CommandError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.db.models.signals import post_init, pre_delete
from django.utils import timezone

from tests.support.requests import TOKEN_URL, body
from tot_jwt.models import ApiKey, AppDomain, KeyEvent

SETTINGS = [
    ("--name", "Shop", "name", "Shop"),
    ("--alias", "WWW.shop.example:8080", "aliases", ["www.shop.example"]),
    ("--contact", "ada@shop.example", "contact", "ada@shop.example"),
    ("--external-id", "C-7", "externalId", "C-7"),
    ("--rate-limit", "60/min", "rateLimit", "60/min"),
]
OPTIONS = [text for option, value, _, _ in SETTINGS for text in (option, value)]
MEMBERS = {member: shown for _, _, member, shown in SETTINGS}
EMPTY: dict[str, Any] = {
    "name": "",
    "aliases": [],
    "contact": "",
    "externalId": None,
    "rateLimit": None,
}


@pytest.fixture
def domain(run_json):
    """Create a domain with all settings and return it as the command prints it."""
    return run_json("create_domain", "shop.example", *OPTIONS)


def last_event():
    return KeyEvent.objects.all()[0]


# create_domain


def test_domain_is_created_and_printed(run_json):
    printed = run_json("create_domain", "MyApp.com", "--name", "My app")

    assert printed.pop("createdAt").endswith("Z")
    assert printed == {
        **EMPTY,
        "appDomain": "myapp.com",
        "name": "My app",
        "metadata": {},
        "suspended": False,
    }
    assert AppDomain.objects.get().domain == "myapp.com"


def test_domain_is_created_with_settings(domain):
    assert {name: domain[name] for name in MEMBERS} == MEMBERS
    assert AppDomain.objects.get().aliases == "www.shop.example"
    assert last_event().action == "domain_created"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["myapp.com"], "already exists"),
        (["a b"], "not a valid domain"),
        (["x.example", "--alias", "a b"], "Alias 1 is not a valid domain"),
        (["x.example", "--contact", "ada"], "contact: Enter a valid email"),
        (["x.example", "--external-id", "C-1"], "external_id: Another domain has this"),
        (["x.example", "--rate-limit", "60"], "rate_limit: Use a number per"),
        (["x.example", "--name", "\u202ex"], "name: Control characters"),
    ],
)
def test_invalid_domain_is_an_error(run, make_domain, arguments, message):
    make_domain(domain="myapp.com", external_id="C-1")

    with pytest.raises(CommandError, match=message):
        run("create_domain", *arguments)
    assert AppDomain.objects.count() == 1


# list_domains


def test_each_domain_has_one_line(run, run_json, make_domain):
    make_domain(domain="b.example", name="B\x1b[2J\nx", suspended_at=timezone.now())
    make_domain(domain="aaa.example", name="", contact="ada@a.example", aliases="x.example y.com")

    first, second = run("list_domains").splitlines()

    assert first.startswith("aaa.example  no   ")
    assert first.split()[3:] == ["ada@a.example", "x.example", "y.com", "-"]
    assert second.startswith("b.example    yes  ")
    assert second.endswith(r"B\x1b[2J\nx")
    assert [each["appDomain"] for each in run_json("list_domains")] == ["aaa.example", "b.example"]


# change_domain


@pytest.mark.parametrize(("option", "text", "member", "shown"), SETTINGS)
def test_only_given_setting_changes(run_json, make_domain, option, text, member, shown):
    make_domain(domain="shop.example", name="", metadata={"crm": "1"})

    printed = run_json("change_domain", "shop.example", option, text)

    expected = EMPTY | {member: shown, "metadata": {"crm": "1"}}
    assert {name: printed[name] for name in expected} == expected
    assert last_event().action == "domain_changed"
    assert len(last_event().changes) == 1


@pytest.mark.parametrize(("option", "_text", "member", "_shown"), SETTINGS)
def test_empty_text_clears_the_setting(run_json, domain, option, _text, member, _shown):
    printed = run_json("change_domain", "shop.example", option, "")

    expected = MEMBERS | {member: EMPTY[member]}
    assert {name: printed[name] for name in expected} == expected


def test_given_aliases_replace_all(run_json, domain, make_key, post_token):
    key = make_key(app_domain=AppDomain.objects.get())
    assert post_token(key, appDomain="www.shop.example").status_code == 200

    changed = run_json("change_domain", "shop.example", "--alias", "b.example", "--alias", "a.com")

    assert changed["aliases"] == ["a.com", "b.example"]
    assert post_token(key, appDomain="www.shop.example").status_code == 401
    assert post_token(key, appDomain="b.example").status_code == 200


def test_two_domains_may_lack_external_id(run, domain, make_domain):
    make_domain(domain="other.example")

    run("change_domain", "shop.example", "--external-id", "")
    run("change_domain", "other.example", "--external-id", "")

    assert list(AppDomain.objects.values_list("external_id", flat=True)) == [None, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop.example"], "at least one setting"),
        (["other.example", "--name", "x"], "other.example does not exist"),
        (["shop.example", "--contact", "ada"], "contact: "),
        (["shop.example", "--alias", "a.example", "--alias", "b b"], "Alias 2 is not"),
    ],
)
def test_invalid_change_changes_nothing(run, domain, arguments, message):
    before = AppDomain.objects.values().get()

    with pytest.raises(CommandError, match=message):
        run("change_domain", *arguments)
    assert AppDomain.objects.values().get() == before
    assert last_event().action == "domain_created"


def test_change_of_others_is_kept(run, domain):
    def move(instance, **kwargs):
        """Change the domain, once, when the command has read it."""
        post_init.disconnect(move, sender=AppDomain)
        AppDomain.objects.update(aliases="a.example")

    post_init.connect(move, sender=AppDomain)
    run("change_domain", "shop.example", "--name", "New")

    changed = AppDomain.objects.get()
    assert (changed.name, changed.aliases) == ("New", "a.example")


# rename_domain


@pytest.mark.parametrize(("arguments", "status"), [([], 401), (["--keep-alias"], 200)])
def test_old_name_may_stay_known(
    run_json, make_domain, make_key, make_token, get_token, post_token, arguments, status
):
    key = make_key(app_domain=make_domain(domain="old.example", aliases="new.example x.example"))
    token = make_token(key)

    printed = run_json("rename_domain", "old.example", "NEW.example", *arguments)

    kept = ["old.example"] if arguments else []
    assert (printed["appDomain"], printed["aliases"]) == ("new.example", [*kept, "x.example"])
    assert get_token(token).status_code == 401
    assert post_token(key, appDomain="old.example").status_code == status
    assert post_token(key, appDomain="new.example").status_code == 200
    assert last_event().action == "domain_renamed"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["old.example", "taken.example"], "already exists"),
        (["old.example", "a b"], "not a valid domain"),
        (["other.example", "new.example"], "other.example does not exist"),
    ],
)
def test_invalid_rename_is_an_error(run, make_domain, names, message):
    make_domain(domain="old.example")
    make_domain(domain="taken.example")

    with pytest.raises(CommandError, match=message):
        run("rename_domain", *names)
    assert AppDomain.objects.filter(domain="old.example").exists()


# suspend_domain, resume_domain


def test_suspended_domain_can_be_resumed(run_json, make_key, make_token, get_token, post_token):
    key = make_key()
    token = make_token(key)

    assert run_json("suspend_domain", key.app_domain.domain)["suspended"] is True
    assert (post_token(key).status_code, get_token(token).status_code) == (403, 401)

    assert run_json("resume_domain", key.app_domain.domain)["suspended"] is False
    assert (post_token(key).status_code, get_token(token).status_code) == (200, 200)
    assert [event.action for event in KeyEvent.objects.all()[:2]] == ["resumed", "suspended"]


# erase_domain


@pytest.fixture
def tenant(make_domain, make_key):
    """Create a domain with a key that created another, and return both keys."""
    app_domain = make_domain(domain="gone.example")
    creator = make_key(app_domain=app_domain)
    return creator, make_key(app_domain=app_domain, created_by_key=creator)


def test_erased_domain_leaves_one_event(run_json, tenant, make_key):
    other = make_key()
    events = KeyEvent.objects.filter(app_domain=tenant[0].app_domain).count()

    erased = run_json("erase_domain", "GONE.example")

    assert erased == {"erased": "gone.example", "keys": 2, "events": events}
    assert list(AppDomain.objects.all()) == [other.app_domain]
    assert list(ApiKey.objects.all()) == [other]
    event = last_event()
    assert (event.action, event.app_domain, event.key) == ("domain_erased", None, None)
    assert event.changes == {"keys": [2, 0], "events": [events, 0]}
    assert "gone" not in str(KeyEvent.objects.values())


def test_erased_keys_stop_at_once(
    run, tenant, make_token, get_token, post_token, client, django_capture_on_commit_callbacks
):
    tokens = [make_token(key) for key in tenant]
    assert [get_token(token).status_code for token in tokens] == [200, 200]
    revoked = {"Authorization": f"Bearer {make_token(tenant[0])}"}
    assert client.delete(TOKEN_URL, headers=revoked).status_code < 300

    with django_capture_on_commit_callbacks(execute=True):
        run("erase_domain", "gone.example")

    assert [get_token(token).status_code for token in tokens] == [401, 401]
    assert [post_token(key).status_code for key in tenant] == [401, 401]


@pytest.mark.parametrize(
    ("make_error", "message"),
    [
        (lambda rows: ProtectedError("x", rows), "1 tot_jwt.AppDomain refer to gone.example"),
        (lambda rows: RestrictedError("x", rows), "1 tot_jwt.AppDomain refer to gone.example"),
        (lambda rows: IntegrityError("FOREIGN KEY"), "other rows refer to gone.example"),
    ],
)
def test_rows_of_host_prevent_erasure(run, tenant, post_token, make_domain, make_error, message):
    before = list(KeyEvent.objects.values())
    host_row = make_domain()

    def hold(**kwargs):
        raise make_error({host_row})

    pre_delete.connect(hold, sender=AppDomain)
    try:
        with pytest.raises(CommandError, match=f"Nothing was erased: {message}"):
            run("erase_domain", "gone.example")
    finally:
        pre_delete.disconnect(hold, sender=AppDomain)

    assert list(KeyEvent.objects.values()) == before
    assert [post_token(key).status_code for key in tenant] == [200, 200]


def test_erasure_takes_no_options(run, tenant):
    with pytest.raises(CommandError, match="unrecognized arguments: --no-input"):
        run("erase_domain", "gone.example", "--no-input")
    with pytest.raises(CommandError, match="does not exist"):
        run("erase_domain", "one.gone.example")
    assert ApiKey.objects.count() == 2


def test_erased_name_can_be_created_again(run, run_json, tenant, client):
    run("erase_domain", "gone.example")
    run("create_domain", "gone.example")

    printed = run_json("create_key", "gone.example", "--name", "x")

    new = ApiKey.objects.get()
    new.secret = printed["totSecretKey"]
    assert client.post(TOKEN_URL, body(new), content_type="application/json").status_code == 200


@pytest.mark.parametrize("option", ["--name", "--alias", "--contact", "--external-id"])
@pytest.mark.parametrize("text", ["a\0", "\udcff"])
def test_text_that_no_database_stores(run, domain, option, text):
    with pytest.raises(CommandError, match=f"{option}: has a NUL"):
        run("change_domain", domain["appDomain"], option, text)


@pytest.mark.parametrize("text", ["a\nb", "\u202e1", " "])
def test_external_id_must_be_readable(run, domain, text):
    with pytest.raises(CommandError, match="external_id: "):
        run("change_domain", domain["appDomain"], "--external-id", text)
