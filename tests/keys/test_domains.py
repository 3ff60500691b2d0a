"""Creating, suspending and resuming domains."""

import pytest
import time_machine
from django.core.exceptions import ValidationError

from tests.support.times import NOON
from tot_jwt.keys.domains import create_domain, resume_domain, suspend_domain


def test_domain_is_stored_in_canonical_form(db):
    assert str(create_domain("Bücher.example", name="Books")) == "xn--bcher-kva.example"


def test_existing_domain_cannot_be_created(db):
    create_domain("example.com")

    with pytest.raises(ValidationError, match="exists"):
        create_domain("EXAMPLE.com")


def test_suspending_twice_keeps_first_time(make_domain):
    with time_machine.travel(NOON, tick=False):
        first = suspend_domain(make_domain())

    assert first.is_suspended
    assert suspend_domain(first).suspended_at == first.suspended_at == NOON


def test_resuming_twice_changes_nothing_more(make_domain):
    suspended = suspend_domain(make_domain())

    resumed = resume_domain(suspended)

    assert not resumed.is_suspended
    assert not resume_domain(resumed).is_suspended
