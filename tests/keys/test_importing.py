"""Importing an operator's existing keys from a CSV file."""

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import ApiKeyFactory
from tests.support.key_files import SECRET, bad_rows, row
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys.importing import MAX_BAD_ROWS, TAKEN
from tot_jwt.keys.record import administrator
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.rules.hashes import hash_secret
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
        received.append((event.action, event.key.public_key, event.app_domain.domain))

    user = make_user(username="ada")
    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            load(row(1, scopes="b a"), row(2), by=administrator(user, "192.0.2.1"))
            assert received == []
    finally:
        key_event.disconnect(receive)

    assert received == [("imported", "old1", "myapp.com"), ("imported", "old2", "myapp.com")]
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
    assert (len(callbacks), len(captured)) == (1, 0)


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


# Duplicates


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
