"""The base view: what it answers, and what it leaves to Django."""

import pytest
from django.db import DataError, OperationalError
from django.test import RequestFactory

from tot_jwt.api.base import ContractView
from tot_jwt.exceptions import InvalidValue, RecordIsPermanent, ResourceNotFound


def view_that_raises(error):
    class Failing(ContractView):
        def get(self, request):
            raise error

    return Failing.as_view()


@pytest.mark.parametrize(("error", "status"), [(ResourceNotFound(), 404), (InvalidValue("x"), 400)])
def test_expected_error_is_answered(error, status):
    assert view_that_raises(error)(RequestFactory().get("/")).status_code == status


@pytest.mark.parametrize("error", [RecordIsPermanent(), RuntimeError()])
def test_bug_is_left_to_django(error):
    with pytest.raises(type(error)):
        view_that_raises(error)(RequestFactory().get("/"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("no such character"), 400),
        (OperationalError(1366, "Incorrect string value"), 400),
        (OperationalError("gone"), 503),
        (OperationalError(), 503),
    ],
)
def test_text_without_encoding_is_malformed(error, status):
    """Databases in LATIN1 or utf8mb3 cannot store some characters."""
    assert view_that_raises(error)(RequestFactory().get("/")).status_code == status
