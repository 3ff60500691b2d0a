"""The times of use never cost a request or a transaction."""

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from tests.support.uses import failing_updates, updates, used
from tot_jwt.access import verify_token
from tot_jwt.models import AppDomain

# A write may wait for the end of a transaction, so these tests cannot run inside one.
pytestmark = pytest.mark.django_db(transaction=True)


def test_failing_updates_do_fail(make_key):
    key = make_key()

    with failing_updates(), pytest.raises(DatabaseError):
        type(key).objects.update(name="x")


@pytest.mark.req("D3")
def test_failing_write_fails_no_request(make_key, make_token, get_token, caplog, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with failing_updates() as failed:
        for _ in range(3):
            assert get_token(token).status_code == 200

    assert len(failed) == 1  # it is not repeated at once
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"Use of a key not recorded: key={key.public_key}"
    ]
    pass_time(60)
    get_token(token)
    assert used(key) == (160, None)


@pytest.mark.req("D3")
def test_failing_write_spoils_no_transaction(make_key, make_token, make_domain, caplog, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with failing_updates() as failed, transaction.atomic():
        make_domain(domain="before.example")
        verify_token(token, address="")
        make_domain(domain="after.example")
        assert failed == []

    assert len(failed) == 1
    assert AppDomain.objects.filter(domain__in=["before.example", "after.example"]).count() == 2
    assert "Use of a key not recorded" in caplog.text


@pytest.mark.req("D3")
def test_write_waits_for_hosts_commit(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with updates() as sent:
        with transaction.atomic():
            for _ in range(3):
                verify_token(token, address="")
            assert used(key) == (0, None)
        verify_token(token, address="")

    assert len(sent) == 1
    assert used(key) == (100, None)


def test_rolled_back_use_is_recorded_later(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    with transaction.atomic():
        verify_token(token, address="")
        transaction.set_rollback(True)
    assert used(key) == (0, None)
    pass_time(5)
    verify_token(token, address="")

    assert used(key) == (105, None)


def test_nothing_is_written_without_autocommit(make_key, make_token, pass_time):
    key = make_key()
    token = make_token(key)
    pass_time(100)

    transaction.set_autocommit(False)
    try:
        verify_token(token, address="")
        with updates() as sent:
            verify_token(token, address="")
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    assert (sent, used(key)) == ([], (0, None))


@pytest.mark.req("D3")
def test_unreachable_database_fails_no_cached_grant(
    make_key, make_token, monkeypatch, caplog, pass_time, settings
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 300}
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")
    pass_time(60)

    def fail():
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "get_autocommit", fail)  # it connects first

    assert verify_token(token, address="")[0].pk == key.public_key
    assert "Use of a key not recorded" in caplog.text
