"""Importing an operator's existing keys from a CSV file."""

import hashlib
from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import ApiKeyFactory
from tests.support.hashers import DJANGO_HASHERS
from tests.support.key_files import FULL_HEADER, SECRET, bad_rows, full_row, row
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys.importing import MAX_BAD_ROWS, TAKEN
from tot_jwt.keys.record import administrator
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyStatus
from tot_jwt.rules.hashes import hash_secret, is_slow
from tot_jwt.signals import key_event

# Imported keys


def test_imported_keys_can_be_exchanged(load, post_token):
    report = load(
        'MyApp.com,old.1,"a secret, with ""quotes"" and Ümläute",The first,test,b a',
        f"bücher.example,old.2,{SECRET},,,",
    )

    assert (report.imported, report.domains_created, report.bad_rows) == (2, 2, [])
    first, second = ApiKey.objects.order_by("public_key")
    assert (first.app_domain.domain, first.name) == ("myapp.com", "The first")
    assert (first.environment, first.scopes, first.secret_hint) == ("test", "a b", "äute")
    assert (second.app_domain.domain, second.name) == ("xn--bcher-kva.example", "old.2")
    assert (second.environment, second.scopes) == ("live", "")
    first.secret, second.secret = 'a secret, with "quotes" and Ümläute', SECRET
    assert [post_token(key).status_code for key in (first, second)] == [200, 200]


@pytest.mark.req("B2")
def test_only_the_hash_is_stored(load):
    load(row(1, secret=SECRET))

    (stored,) = ApiKey.objects.values()
    assert stored["secret_hash"] == hash_secret(SECRET)
    assert SECRET not in repr(stored) + repr(KeyEvent.objects.values())


@pytest.mark.req("E6")
def test_weak_secret_has_no_hint(load, post_token):
    report = load(row(1, secret="hunter2"), row(2, secret="hunter2 hunter3 last"), allow_weak=True)

    assert report.imported == 2
    weak, strong = ApiKey.objects.order_by("public_key")
    assert (weak.secret_hint, strong.secret_hint) == ("", "last")
    weak.secret = "hunter2"
    assert post_token(weak).status_code == 200


@pytest.mark.req("B2")
def test_weak_secret_has_slow_hash(load):
    report = load(row(1, secret="4711"), row(2, secret="z" * 18 + "yx"), allow_weak=True)

    assert report.imported == 2
    weak, strong = ApiKey.objects.order_by("public_key")
    assert check_password("4711", weak.secret_hash)
    assert strong.secret_hash == hash_secret("z" * 18 + "yx")


def test_import_is_recorded_and_signalled(load, make_user, django_capture_on_commit_callbacks):
    received = []

    def receive(event, **_):
        public_key = event.key and event.key.public_key
        received.append((event.action, public_key, event.app_domain.domain))

    user = make_user(username="ada")
    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            load(row(1, scopes="b a"), row(2), by=administrator(user, "192.0.2.1"))
            assert received == []
    finally:
        key_event.disconnect(receive)

    assert received == [
        ("domain_created", None, "myapp.com"),
        ("imported", "old1", "myapp.com"),
        ("imported", "old2", "myapp.com"),
    ]
    event = KeyEvent.objects.get(key__public_key="old1")
    assert (event.user, event.actor, event.address) == (user, "ada", "192.0.2.1")
    assert event.changes["scopes"] == [None, "a b"]
    assert set(ApiKey.objects.values_list("created_by", flat=True)) == {user.pk}


def test_import_without_listeners_sends_no_queries(load, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        load(row(1))

    with CaptureQueriesContext(connection) as captured:
        for callback in callbacks:
            callback()
    # One for the domain, one for the key.
    assert (len(callbacks), len(captured)) == (2, 0)


def test_existing_domain_is_used(load, make_domain):
    domain = make_domain(domain="myapp.com")

    report = load(row(1, domain="MYAPP.com"))

    assert (report.domains_created, ApiKey.objects.get().app_domain) == (0, domain)


def test_skipped_row_creates_no_domain(load, make_key):
    make_key(public_key="old1")

    report = load(
        row(1, domain="other.example"), row(2, domain="x", secret="x"), row(3), skip_bad=True
    )

    assert (report.imported, report.domains_created) == (1, 1)
    assert not AppDomain.objects.filter(domain__in=["other.example", "x"]).exists()


# Settings of imported keys


@pytest.mark.parametrize(
    ("cells", "field", "expected"),
    [
        ({}, "expires_at", None),
        (
            {"expires_at": "2031-05-06T07:08:09Z"},
            "expires_at",
            datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC),
        ),
        (
            {"expires_at": " 2031-05-06 07:08+02:00 "},
            "expires_at",
            datetime(2031, 5, 6, 5, 8, tzinfo=UTC),
        ),
        (
            {"expires_at": "1999-12-31T23:59:59.987-01:00"},
            "expires_at",
            datetime(2000, 1, 1, 0, 59, 59, tzinfo=UTC),
        ),
        ({}, "allowed_ips", ""),
        (
            {"allowed_ips": " 192.0.2.7  2001:DB8::/32 "},
            "allowed_ips",
            "192.0.2.7/32 2001:db8::/32",
        ),
        ({}, "can_issue_tokens", True),
        ({"can_issue_tokens": "TRUE"}, "can_issue_tokens", True),
        ({"can_issue_tokens": " False "}, "can_issue_tokens", False),
        ({}, "rate_limit", ""),
        ({"rate_limit": " 600/min "}, "rate_limit", "600/min"),
        ({"environment": " Test "}, "environment", "test"),
        ({}, "status", KeyStatus.ACTIVE),
        ({"status": "Active"}, "status", KeyStatus.ACTIVE),
        ({"status": " DISABLED "}, "status", KeyStatus.DISABLED),
        ({"status": "revoked"}, "status", KeyStatus.REVOKED),
        ({"expires_at": "1970-01-01T00:00:00Z"}, "status", KeyStatus.EXPIRED),
    ],
)
def test_column_becomes_a_setting(load, cells, field, expected):
    report = load(full_row(1, **cells), header=FULL_HEADER)

    assert bad_rows(report) == []
    assert getattr(ApiKey.objects.get(), field) == expected


def test_moments_are_stored_without_zones(load, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Rome"

    load(full_row(1, expires_at="2031-05-06T07:08:09Z"), header=FULL_HEADER)

    assert ApiKey.objects.get().expires_at == datetime(2031, 5, 6, 9, 8, 9)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, 200),
        ({"status": "disabled"}, 401),
        ({"status": "revoked"}, 401),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 401),
        ({"expires_at": "2090-01-01T00:00:00Z"}, 200),
        ({"allowed_ips": "192.0.2.0/24"}, 403),
        ({"allowed_ips": "127.0.0.0/8"}, 200),
        ({"can_issue_tokens": "false"}, 403),
    ],
)
def test_imported_settings_count_at_exchange(load, post_token, cells, status):
    load(full_row(1, **cells), header=FULL_HEADER)

    key = ApiKey.objects.get()
    key.secret = f"{SECRET}1"
    assert post_token(key).status_code == status


def test_event_shows_imported_settings(load, pass_time):
    load(
        full_row(
            1, expires_at="2031-05-06T07:08:09Z", allowed_ips="192.0.2.1", rate_limit="9/hour"
        ),
        full_row(2, can_issue_tokens="false", status="disabled"),
        full_row(3, status="revoked"),
        header=FULL_HEADER,
    )

    first, second, third = [
        event.changes for event in KeyEvent.objects.filter(action="imported").order_by("pk")
    ]
    assert first["expires_at"] == [None, "2031-05-06T07:08:09+00:00"]
    assert (first["allowed_ips"], first["rate_limit"]) == ([None, "192.0.2.1/32"], [None, "9/hour"])
    moments = dict(ApiKey.objects.values_list("public_key", "disabled_at"))
    assert second["disabled_at"] == [None, moments["old2"].isoformat()]
    assert second["can_issue_tokens"] == [None, False]
    assert "revoked_at" in third
    assert "disabled_at" not in {**first, **third}


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_created_domains_are_recorded_once(load, make_domain, make_user, batch_size):
    make_domain(domain="there.example")
    user = make_user(username="ada")

    load(
        row(1, domain="b.example"),
        row(2, domain="a.example"),
        row(3, domain="there.example"),
        row(4, domain="B.example"),
        by=administrator(user),
        batch_size=batch_size,
    )

    events = KeyEvent.objects.filter(action="domain_created", key=None)
    assert sorted((event.app_domain.domain, event.actor) for event in events) == [
        ("a.example", "ada"),
        ("b.example", "ada"),
    ]
    assert all(event.changes["domain"] == [None, str(event.app_domain)] for event in events)


# Imported hashes


def sha512(secret):
    """Return the hash of a secret as another package stores it."""
    return "sha512$$" + hashlib.sha512(secret.encode()).hexdigest()


HASHES = {
    "sha256": hash_secret,
    "sha512": sha512,
    "pbkdf2": lambda secret: make_password(secret, hasher="pbkdf2_sha256"),
    "scrypt": lambda secret: make_password(secret, hasher="scrypt"),
    "md5": lambda secret: make_password(secret, hasher="md5"),
}


@pytest.mark.req("B2")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("secret", [SECRET, "4711"])
@pytest.mark.parametrize("make_hash", HASHES.values(), ids=HASHES)
def test_imported_hash_opens_and_is_replaced(settings, load, post_token, make_hash, secret):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS
    stored_hash = make_hash(secret)

    report = load(full_row(1, secret_hash=f" {stored_hash} "), header=FULL_HEADER)

    assert bad_rows(report) == []
    key = ApiKey.objects.get()
    assert (key.secret_hint, key.secret_last_used_at) == ("", None)
    for wrong in (stored_hash, key.secret_hash, "a wrong secret of thirty letters"):
        key.secret = wrong
        assert post_token(key).status_code == 401
    key.secret = secret
    assert post_token(key).status_code == 200
    stored = ApiKey.objects.get().secret_hash
    assert (stored == hash_secret(secret)) == (secret == SECRET)
    assert is_slow(stored) == (secret != SECRET)
    assert post_token(key).status_code == 200


@pytest.mark.req("B2")
@pytest.mark.parametrize("make_hash", HASHES.values(), ids=HASHES)
def test_guesses_at_imported_hash_are_limited(settings, load, post_token, make_hash):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {}}
    load(full_row(1, secret_hash=make_hash("4711")), header=FULL_HEADER)
    key = ApiKey.objects.get()

    answers = []
    for guess in [*range(20), 4711]:
        key.secret = str(guess)
        answers.append(post_token(key).status_code)

    assert answers[0] == 401
    assert answers[-1] == 429
    assert 200 not in answers


def test_file_may_hold_only_hashes(load, post_token):
    report = load(f"a.example,old1,{sha512(SECRET)}", header="domain,public,secret_hash")

    assert report.imported == 1
    key = ApiKey.objects.get()
    key.secret = SECRET
    assert post_token(key).status_code == 200


# Duplicates


@pytest.mark.req("B6")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (sha512(SECRET), sha512(SECRET)),
        (sha512(SECRET), sha512(SECRET).upper().replace("SHA", "sha")),
        (hash_secret(SECRET), hash_secret(SECRET)),
        (hash_secret(SECRET), hash_secret(SECRET).replace("$", "$$")),
        (hash_secret(f"{SECRET}2"), ""),
    ],
)
def test_hash_of_earlier_row_is_bad(load, first, second):
    rows = [full_row(1, secret_hash=first), full_row(2, secret_hash=second), full_row(3)]

    report = load(*rows, header=FULL_HEADER, skip_bad=True, batch_size=1)

    ((line, reason),) = bad_rows(report)
    assert (line, report.imported) == (3, 2)
    column = "secret_hash" if second else "secret"
    assert reason.startswith(f"{column}: An earlier row has the same secret.")


def test_existing_key_is_a_bad_row(load, make_key):
    make_key(public_key="old2")

    report = load(row(1), row(2), row(3), skip_bad=True)

    assert (report.imported, bad_rows(report)) == (2, [(3, str(TAKEN))])
    assert ApiKey.objects.get(public_key="old2").secret_hash != hash_secret(f"{SECRET}2")


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_repeated_key_is_a_bad_row(load, batch_size):
    rows = [row(1), row(2), row(1, secret=SECRET), row(3)]

    report = load(*rows, skip_bad=True, batch_size=batch_size)

    assert (report.imported, bad_rows(report)) == (3, [(4, str(TAKEN))])
    assert ApiKey.objects.get(public_key="old1").secret_hash == hash_secret(f"{SECRET}1")


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_keys_may_differ_in_case_only(load, make_key, batch_size):
    make_key(public_key="pk_There")
    rows = [row(1, public="pk_a"), row(2, public="PK_A"), row(3, public="pk_there")]

    report = load(*rows, skip_bad=True, batch_size=batch_size)

    # The unique index of MySQL and MariaDB ignores case.
    expected = (1, [3, 4]) if connection.vendor == "mysql" else (3, [])
    assert (report.imported, [line for line, _ in bad_rows(report)]) == expected


def test_key_created_meanwhile_is_an_error(load):
    rival = []

    def create_rival(execute, sql, params, many, context):
        """Create the key of the file after the import has looked for it."""
        result = execute(sql, params, many, context)
        if "tot_jwt_apikey" in sql and not rival:
            rival.append(True)
            ApiKeyFactory(public_key="old1")
        return result

    with (
        connection.execute_wrapper(create_rival),
        pytest.raises(InvalidValue, match="Another process"),
    ):
        load(row(1))

    assert rival
    assert not ApiKey.objects.exists()


# Large files


def test_reading_ends_after_many_bad_rows(load):
    rows = [row(number, domain="") for number in range(MAX_BAD_ROWS + 5)]

    stopped, skipped = load(*rows), load(*rows, row(1000), skip_bad=True)

    assert (len(stopped.bad_rows), stopped.is_cut_short) == (MAX_BAD_ROWS, True)
    assert (len(skipped.bad_rows), skipped.is_cut_short) == (MAX_BAD_ROWS + 5, False)
    assert skipped.imported == 1


def test_rows_share_their_queries(load):
    def queries(first, last):
        rows = [row(number, domain=f"d{number % 7}.example") for number in range(first, last)]
        with CaptureQueriesContext(connection) as captured:
            assert load(*rows).imported == last - first
        return len(captured)

    queries(0, 1)
    assert queries(1000, 1800) < queries(2000, 2010) + 100


def test_progress_is_reported_per_batch(load):
    progress = []

    load(*map(row, range(5)), progress=progress.append, batch_size=2)

    assert progress == [2, 4, 5]
