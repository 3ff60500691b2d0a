"""``list_keys`` and ``show_key``."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.support.times import DAY
from tot_jwt.keys import release_key
from tot_jwt.models import ApiKey


def public_keys(documents):
    return [document["totApiKey"] for document in documents]


@pytest.fixture
def listed(run_json):
    """``listed("--env", "test")``: the names of the keys that are listed."""
    return lambda *arguments: {key["name"] for key in run_json("list_keys", *arguments)}


def test_keys_are_listed_newest_first(run_json, make_key, django_assert_num_queries):
    old, new = make_key(), make_key()
    child = make_key(app_domain=old.app_domain, created_by_key=old)

    with django_assert_num_queries(1):
        listed = run_json("list_keys")

    assert public_keys(listed) == [child.public_key, new.public_key, old.public_key]
    assert [key["createdBy"] for key in listed] == [old.public_key, "admin", "admin"]


def test_each_key_has_one_line(run, make_key, make_domain):
    short = make_key(public_key="pk_1", app_domain=make_domain(domain="a.io"))
    # Rows from before the rules of names.
    ApiKey.objects.update(name="x\x1b[2J\n\u202ey \u2028 ü")
    make_key(
        public_key="pk_longer",
        app_domain=make_domain(domain="myapp.example.com"),
        name="Web server",
        disabled_at=timezone.now(),
        last_used_at="2025-10-29T18:38:22Z",
        expires_at="2035-01-02T03:04:05Z",
    )

    columns, names = zip(
        *(line.rsplit("  ", 1) for line in run("list_keys").splitlines()), strict=True
    )
    assert columns == (
        "pk_longer  disabled  live  2025-10-29T18:38Z  2035-01-02T03:04Z  myapp.example.com",
        "pk_1       active    live  -                  -                  a.io             ",
    )
    assert names == ("Web server", r"x\x1b[2J\n\u202ey \u2028 ü")
    assert run("list_keys", "a.io").startswith(f"{short.public_key}  active  live  -  -  a.io  x")


def test_terminal_shows_a_heading(make_key):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    make_key(name="Web server")
    out = Terminal()
    call_command("tot_jwt", "list_keys", stdout=out, no_color=True)

    heading, line = out.getvalue().splitlines()
    assert heading.split("  ")[0] == "PUBLIC KEY"
    assert heading.index("NAME") == line.index("Web server")


def test_list_is_limited_to_domain(run, run_json, make_key, make_domain):
    make_key()
    key = make_key()

    assert public_keys(run_json("list_keys", key.app_domain.domain)) == [key.public_key]
    assert run("list_keys", make_domain().domain) == "None.\n"


def test_list_status_counts_creator_and_domain(run_json, make_key):
    now = timezone.now()
    endings = {
        "revoked": {"revoked_at": now},
        "disabled": {"disabled_at": now},
        "expired": {"expires_at": now},
        "suspended": {"app_domain__suspended_at": now},
        "active": {},
        "expiring": {"expires_at": now + 13 * DAY},
    }
    for columns in endings.values():
        creator = make_key(**columns)
        make_key(app_domain=creator.app_domain, created_by_key=creator)

    listed = [key["status"] for key in run_json("list_keys")]
    assert listed == [status for status in reversed(endings) for _ in ("created", "creator")]
    for status in endings:
        listed = [key["status"] for key in run_json("list_keys", "--status", status)]
        assert listed == [status] * 2


def test_list_is_limited_to_environment(listed, make_key):
    make_key(name="a")
    make_key(name="b", environment="test")

    assert (listed("--env", "test"), listed("--env", "live")) == ({"b"}, {"a"})


def test_unused_key_counts_from_creation(listed, make_key):
    now = timezone.now()
    old = now - 40 * DAY
    make_key(name="never used", created_at=old)
    make_key(name="new")
    make_key(name="used long ago", created_at=old, last_used_at=now - 31 * DAY)
    make_key(name="used lately", created_at=old, last_used_at=now - 29 * DAY)
    make_key(name="revoked", created_at=old, revoked_at=old)

    assert listed("--unused-for", "30") == {"never used", "used long ago"}
    assert listed("--unused-for", "35") == {"never used"}
    assert listed("--unused-for", "41") == set()
    assert listed("--unused-for", "30", "--status", "revoked") == {"revoked"}


def test_expiry_of_creator_counts(listed, make_key):
    now = timezone.now()
    creator = make_key(name="soon", expires_at=now + timedelta(days=5, hours=-1))
    make_key(name="created", created_by_key=creator, expires_at=now + 90 * DAY)
    release_key(make_key(name="released", created_by_key=creator))
    make_key(name="later", expires_at=now + timedelta(days=5, hours=1))
    make_key(name="past", expires_at=now - DAY)
    make_key(name="never")
    make_key(name="revoked", expires_at=now + DAY, revoked_at=now)
    make_key(name="disabled", expires_at=now + DAY, disabled_at=now)

    assert listed("--expires-within", "5") == {"soon", "created", "disabled"}
    assert listed("--expires-within", "6") == {"soon", "created", "disabled", "later"}
    assert listed("--expires-within", "5", "--status", "disabled") == {"disabled"}
    assert listed("--expires-within", "36500", "--unused-for", "1") == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--status", "x"],
        ["--env", "x"],
        ["--unused-for", "0"],
        ["--expires-within", "x"],
        ["other.example"],
    ],
)
def test_invalid_condition_is_an_error(run, arguments):
    with pytest.raises(CommandError, match=rf"{arguments[0]}"):
        run("list_keys", *arguments)


def test_shown_key_has_all_settings(run, run_json, make_key):
    key = make_key(name="Web", scopes=["b", "a"], allowed_ips=["192.0.2.0/24"], metadata={"x": "1"})

    lines = dict(line.split(maxsplit=1) for line in run("show_key", key.public_key).splitlines())

    assert (lines["name"], lines["scopes"], lines["expiresAt"]) == ("Web", "a b", "-")
    assert (lines["allowedIps"], lines["metadata"]) == ("192.0.2.0/24", "x: 1")
    assert run_json("show_key", key.public_key) == run_json("list_keys")[0]


def test_list_contains_no_secrets(run, make_key):
    keys = [make_key() for _ in range(3)]

    shown = [run("show_key", key.public_key) for key in keys]
    for printed in (run("list_keys"), run("list_keys", "--json"), "".join(shown)):
        assert all(key.public_key in printed for key in keys)
        assert not [k for k in keys if k.secret in printed or k.secret_hash in printed]


@pytest.mark.parametrize(
    "arguments",
    [["list_keys", ""], ["list_events", ""], ["list_events", "--domain", ""]],
)
def test_empty_subject_does_not_list_all(run, make_key, arguments):
    make_key()

    with pytest.raises(CommandError):
        run(*arguments)
