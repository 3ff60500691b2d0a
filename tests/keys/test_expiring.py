"""Telling owners that their keys are about to expire."""

from datetime import UTC, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from tests.support.mail import ADMIN
from tests.support.times import DAY, NOON
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import change_key, erase_domain, prune_events
from tot_jwt.keys.expiring import expired_q, notify_expiring
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.signals import key_expiring

HOUR = timedelta(hours=1)
CONTACT = "ada@shop.example"


@pytest.fixture(autouse=True)
def _noon(pass_time, settings):
    """Stop the clocks at noon. Name the mailer: from 6.1 on, Django warns of a missing one."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@pytest.fixture
def app_domain(make_domain):
    """Create a domain with a contact."""
    return make_domain(domain="shop.example", contact=CONTACT)


@pytest.fixture
def make_expiring(make_key, app_domain):
    """``make_expiring(6)``: create a key that expires within six days, but not within five."""

    def make_expiring(days, **columns):
        expires_at = NOON + days * DAY - HOUR
        return make_key(**{"app_domain": app_domain, "expires_at": expires_at} | columns)

    return make_expiring


@pytest.fixture
def received():
    """Return the list of signals that are sent: the public key and the days."""
    seen = []

    def receive(sender, key, days, **kwargs):
        seen.append((sender, key.public_key, days))

    key_expiring.connect(receive)
    yield seen
    key_expiring.disconnect(receive)


def told(**options):
    """Return the names and days of the keys whose owners are told now."""
    return [(notice.key.name, notice.days) for notice in notify_expiring(**options).notified]


def break_server(monkeypatch, *addresses):
    """Let the mail server fail for messages to these addresses."""
    send = EmailBackend.send_messages

    def send_messages(self, messages):
        if {address for message in messages for address in message.to} & set(addresses):
            raise SMTPServerDisconnected("secret of the mail server")
        return send(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)


def test_contact_gets_one_message(make_expiring, mailoutbox):
    keys = [make_expiring(10, name="Web"), make_expiring(3, name="App")]
    make_expiring(20)

    report = notify_expiring()

    (message,) = mailoutbox
    assert (message.to, message.subject) == ([CONTACT], "2 API keys are about to expire")
    assert "Expires: 2025-11-08 11:00 UTC" in message.body
    for key in keys:
        paragraph = f"Domain: shop.example\nName: {key.name}\nPublic key: {key.public_key}\n"
        assert paragraph in message.body
        assert key.secret not in message.body
        assert key.secret_hash not in message.body
    assert [(notice.key, notice.days) for notice in report.notified] == [
        (keys[0], 14),
        (keys[1], 7),
    ]
    assert report.failed == []


def test_other_contacts_get_own_messages(make_expiring, make_domain, mailoutbox):
    make_expiring(3, name="Shop")
    make_expiring(3, app_domain=make_domain(contact="bob@b.example"), name="Bob")
    make_expiring(3, app_domain=make_domain(contact=CONTACT), name="Second")

    notify_expiring()

    ada, bob = mailoutbox
    assert (ada.to, bob.to) == ([CONTACT], ["bob@b.example"])
    assert "Name: Shop" in ada.body
    assert "Name: Second" in ada.body
    assert "Bob" not in ada.body
    assert bob.subject == "1 API key is about to expire"


def test_admins_are_told_without_contact(make_expiring, make_domain, settings, mailoutbox):
    settings.ADMINS = [ADMIN]
    make_expiring(3, app_domain=make_domain())

    notify_expiring()

    assert mailoutbox[0].to == ["root@example.com"]
    assert mailoutbox[0].subject == "[Django] 1 API key is about to expire"


def test_key_without_reader_is_reported(make_expiring, make_domain, settings, mailoutbox):
    settings.ADMINS = []
    key = make_expiring(3, app_domain=make_domain())

    (failure,) = notify_expiring().failed

    assert (failure.notice.key, mailoutbox) == (key, [])
    assert "ADMINS is empty" in failure.reason
    assert not KeyEvent.objects.filter(action="expiry_notified").exists()


def test_signal_alone_may_suffice(
    make_expiring, make_domain, settings, mailoutbox, received, django_capture_on_commit_callbacks
):
    settings.ADMINS = []
    key = make_expiring(3, app_domain=make_domain())

    with django_capture_on_commit_callbacks(execute=True):
        assert notify_expiring().failed == []

    assert received == [(ApiKey, key.public_key, 7)]
    assert mailoutbox == []


def test_signal_is_sent_per_key(make_expiring, received, django_capture_on_commit_callbacks):
    keys = [make_expiring(1), make_expiring(12)]

    with django_capture_on_commit_callbacks(execute=True):
        notify_expiring()
        assert received == []

    assert received == [(ApiKey, keys[0].public_key, 1), (ApiKey, keys[1].public_key, 14)]


def test_each_threshold_is_told_once(make_expiring, pass_time):
    make_expiring(16, name="k")
    found = {}

    for day in range(17):
        notices = [days for run in range(2) for _, days in told()]
        if notices:
            found[16 - day] = notices
        pass_time(DAY.total_seconds())

    assert found == {14: [14], 7: [7], 1: [1]}


def test_late_start_skips_earlier_thresholds(make_expiring, pass_time):
    make_expiring(6, name="k")

    assert told() == [("k", 7)]
    pass_time(4 * DAY.total_seconds())
    assert told() == []
    pass_time(DAY.total_seconds())
    assert told() == [("k", 1)]


def test_events_record_the_thresholds(make_expiring, pass_time):
    key = make_expiring(6)
    expiry = key.expires_at.astimezone(UTC).isoformat()
    notify_expiring()
    pass_time(5 * DAY.total_seconds())
    notify_expiring()

    last, first = KeyEvent.objects.filter(action="expiry_notified")
    assert (first.key, first.app_domain, first.actor) == (key, key.app_domain, "system")
    assert first.changes == {"threshold": [None, 7], "expires_at": [None, expiry]}
    assert last.changes == {"threshold": [7, 1], "expires_at": [expiry, expiry]}


def test_new_expiry_starts_anew(make_expiring):
    key = make_expiring(6, name="k")
    assert told() == [("k", 7)]

    change_key(
        key,
        name="k",
        scopes=[],
        expires_at=NOON + 5 * DAY,
        allowed_ips=[],
        can_issue_tokens=True,
    )

    assert told() == [("k", 7)]
    assert told() == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"d1": 1, "d7": 7, "d8": 14, "d14": 14}),
        ({"within": 7}, {"d1": 1, "d7": 7}),
        ({"within": 10}, {"d1": 1, "d7": 7, "d8": 14}),
        ({"within": 30}, {"d1": 1, "d7": 7, "d8": 14, "d14": 14, "d15": 30, "d30": 30}),
        ({"thresholds": [30]}, dict.fromkeys(["d1", "d7", "d8", "d14", "d15", "d30"], 30)),
        ({"thresholds": [3, 1, 3]}, {"d1": 1}),
        ({"within": 8, "thresholds": (2,)}, {"d1": 2, "d7": 8, "d8": 8}),
    ],
)
def test_limits_select_the_keys(make_expiring, options, expected):
    for days in (1, 7, 8, 14, 15, 30, 31):
        make_expiring(days, name=f"d{days}")

    assert dict(told(**options)) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"thresholds": ()},
        {"thresholds": [7, 0]},
        {"thresholds": [-1]},
        {"thresholds": [36_501]},
        {"within": 0},
        {"within": -3},
        {"within": 36_501},
        {"within": 7, "thresholds": [0]},
    ],
)
def test_impossible_days_are_refused(make_expiring, mailoutbox, options):
    make_expiring(1)

    with pytest.raises(InvalidValue, match="each from 1 to 36500"):
        notify_expiring(**options)

    assert mailoutbox == []


def test_within_alone_is_a_threshold(make_expiring):
    make_expiring(5, name="k")

    assert told(within=5, thresholds=()) == [("k", 5)]
    assert told(within=36_500, thresholds=iter(())) == []


def test_pruning_repeats_no_notice(make_expiring, make_key, app_domain, pass_time):
    creator = make_expiring(6, name="creator")
    make_key(app_domain=app_domain, created_by_key=creator, name="created")
    make_key(app_domain=app_domain, name="endless")
    assert told() == [("creator", 7), ("created", 7)]
    pass_time(2 * DAY.total_seconds())

    assert prune_events(NOON + DAY) > 0
    assert told() == []
    assert [event.action for event in KeyEvent.objects.all()] == [
        "events_pruned",
        "expiry_notified",
        "expiry_notified",
    ]


def test_notice_is_prunable_after_expiry(make_expiring, make_key, app_domain, pass_time):
    creator = make_expiring(2)
    inside = {"app_domain": app_domain, "created_by_key": creator, "released_at": NOON}
    make_key(expires_at=NOON + 4 * DAY - HOUR, **inside)
    notify_expiring()
    notices = KeyEvent.objects.filter(action="expiry_notified")

    found = []
    for _ in range(5):
        found.append(notices.prunable(NOON + DAY).count())
        pass_time(DAY.total_seconds())

    assert found == [0, 0, 1, 1, 2]
    assert notices.prunable(NOON).count() == 0


def test_only_usable_keys_are_told(make_expiring, make_domain, make_key, app_domain):
    suspended = make_domain(contact=CONTACT, suspended_at=NOON)
    make_expiring(3, app_domain=suspended)
    make_expiring(3, revoked_at=NOON)
    make_expiring(3, disabled_at=NOON)
    make_expiring(0)
    make_key(app_domain=app_domain)
    disabled = make_key(app_domain=app_domain, disabled_at=NOON)
    make_expiring(3, created_by_key=disabled)

    assert told() == []


def test_expiry_of_creator_counts(make_expiring, make_key, app_domain, mailoutbox):
    creator = make_expiring(3, name="creator")
    inside = {"app_domain": app_domain, "created_by_key": creator}
    make_key(name="created", **inside)
    make_key(name="later", expires_at=NOON + 9 * DAY, **inside)
    make_key(name="sooner", expires_at=NOON + 1 * DAY, **inside)
    make_key(name="released", released_at=NOON, **inside)

    assert told() == [("creator", 7), ("created", 7), ("later", 7), ("sooner", 1)]
    assert mailoutbox[0].body.count("Expires: 2025-11-01 11:00 UTC") == 3
    assert ApiKey.objects.filter(expired_q(NOON + 3 * DAY)).count() == 4


def test_failing_server_is_reported(make_expiring, make_domain, mailoutbox, monkeypatch, caplog):
    keys = [make_expiring(3), make_expiring(2)]
    make_expiring(3, app_domain=make_domain(contact="bob@b.example"), name="Bob")

    with monkeypatch.context() as patch:
        break_server(patch, CONTACT)
        report = notify_expiring()

    assert [failure.notice.key for failure in report.failed] == keys
    assert {failure.reason for failure in report.failed} == {
        "The message could not be sent: SMTPServerDisconnected"
    }
    assert [notice.key.name for notice in report.notified] == ["Bob"]
    assert [message.to for message in mailoutbox] == [["bob@b.example"]]
    assert KeyEvent.objects.filter(action="expiry_notified").count() == 1
    assert "contact=ada@shop.example" in caplog.text

    assert len(told()) == 2


@pytest.mark.parametrize(
    "text", ["x\nBcc: eve@example.com", "x\r\nSubject: y", "\u2028x\x85y\x1dz"]
)
def test_stored_text_forges_no_lines(make_expiring, mailoutbox, text):
    make_expiring(3)
    ApiKey.objects.update(name=text)

    notify_expiring()

    (message,) = mailoutbox
    lines = message.body.splitlines()
    assert f"Name: {' '.join(text.split())}" in lines
    assert [line for line in lines if line.startswith(("Bcc", "Subject", "z"))] == []
    assert "Bcc" not in message.message()
    assert message.message()["Subject"] == "1 API key is about to expire"


def test_contact_cannot_add_headers(make_expiring, make_domain, mailoutbox, monkeypatch):
    make_expiring(3, name="good")
    make_expiring(3, app_domain=make_domain(), name="bad")
    AppDomain.objects.exclude(contact=CONTACT).update(contact="x@y.example\nBcc: eve@example.com")

    report = notify_expiring()

    assert [notice.key.name for notice in report.notified] == ["good"]
    assert [failure.notice.key.name for failure in report.failed] == ["bad"]
    assert [message.to for message in mailoutbox] == [[CONTACT]]


def test_key_erased_meanwhile_is_reported(make_expiring, make_domain, monkeypatch):
    gone = make_expiring(3, name="gone", app_domain=make_domain(domain="a.io", contact=CONTACT))
    make_expiring(3, name="kept")

    def erase_one(self, messages):
        erase_domain(gone.app_domain)
        return len(messages)

    monkeypatch.setattr(EmailBackend, "send_messages", erase_one)
    report = notify_expiring()

    assert [failure.notice.key.name for failure in report.failed] == ["gone"]
    assert [notice.key.name for notice in report.notified] == ["kept"]
    assert told() == []


def test_naive_times_are_told_alike(make_domain, make_key, settings, mailoutbox):
    settings.USE_TZ, settings.TIME_ZONE = False, "America/Chicago"
    expires_at = timezone.now() + 3 * DAY
    make_key(app_domain=make_domain(contact=CONTACT), expires_at=expires_at)

    assert len(told()) == 1
    assert told() == []
    assert "UTC" in mailoutbox[0].body


def test_queries_grow_with_contacts_only(make_expiring, django_assert_num_queries):
    for _ in range(20):
        make_expiring(3)
    # The contacts, their keys and their events; then a transaction for each key that was told.
    with django_assert_num_queries(3 + 20 * 4):
        notify_expiring()
    with django_assert_num_queries(3):
        notify_expiring()
