"""``notify_expiring``. tests/keys tests which keys are told, and when."""

import pytest
from django.core.management import CommandError

from tests.support.mail import ADMIN
from tests.support.times import DAY, NOON
from tot_jwt.models import KeyEvent


@pytest.fixture(autouse=True)
def _noon(pass_time, settings):
    """Stop the clocks at noon. Name the mailer: from 6.1 on, Django warns of a missing one."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.ADMINS = []


@pytest.fixture
def key(make_key, make_domain):
    """Create a key that expires in nine days, and whose domain has a contact."""
    app_domain = make_domain(domain="a.io", contact="ada@a.io")
    return make_key(public_key="pk_1", app_domain=app_domain, expires_at=NOON + 9 * DAY)


@pytest.fixture
def unreachable(make_key, make_domain):
    """Create a key like it, whose domain has no contact."""
    app_domain = make_domain(domain="b.io")
    return make_key(public_key="pk_2", app_domain=app_domain, expires_at=NOON + 9 * DAY)


def test_told_keys_are_printed(run, run_json, key, mailoutbox):
    assert run("notify_expiring", "--within", "10") == (
        "pk_1  14  2025-11-07T12:00Z  a.io  ada@a.io\n"
    )
    assert len(mailoutbox) == 1
    assert run("notify_expiring", "--within", "10") == "None.\n"
    assert run_json("notify_expiring", "--threshold", "9") == {
        "notified": [
            {
                "totApiKey": "pk_1",
                "appDomain": "a.io",
                "contact": "ada@a.io",
                "days": 9,
                "expiresAt": "2025-11-07T12:00:00.000Z",
            }
        ],
        "failed": [],
    }
    assert KeyEvent.objects.filter(action="expiry_notified").count() == 2


def test_admins_are_named(run, unreachable, settings, mailoutbox):
    settings.ADMINS = [ADMIN]

    assert run("notify_expiring").split()[-1] == "ADMINS"
    assert mailoutbox[0].to == ["root@example.com"]


@pytest.mark.parametrize("arguments", [[], ["-v", "0"]])
def test_failure_is_told_on_stderr(outcome, key, unreachable, mailoutbox, arguments):
    result = outcome("notify_expiring", *arguments)

    assert (result.status, len(mailoutbox)) == (1, 1)
    assert result.err.startswith("pk_2: The domain has no contact address")
    assert ("pk_1" in result.out) is (arguments == [])


def test_failure_alone_prints_no_list(outcome, unreachable):
    result = outcome("notify_expiring")

    assert (result.out, result.status) == ("", 1)


def test_failure_is_in_json(outcome, unreachable):
    result = outcome("notify_expiring", "--json")

    assert (result.status, result.err) == (1, "")
    (failed,) = result.document["failed"]
    assert (failed["totApiKey"], failed["days"], failed["contact"]) == ("pk_2", 14, "")
    assert "ADMINS is empty" in failed["reason"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--within", "8"], 0),
        (["--threshold", "8", "1"], 0),
        (["--threshold", "8", "--threshold", "9"], 1),
        (["--threshold", "1", "--within", "9"], 1),
    ],
)
def test_options_limit_the_keys(run_json, key, arguments, told):
    assert len(run_json("notify_expiring", *arguments)["notified"]) == told


@pytest.mark.parametrize(
    "arguments", [["--within", "0"], ["--threshold"], ["--threshold", "x"], ["--within", "36501"]]
)
def test_invalid_days_are_an_error(run, key, arguments, mailoutbox):
    with pytest.raises(CommandError, match=arguments[0]):
        run("notify_expiring", *arguments)
    assert mailoutbox == []
