"""Our errors as exceptions of Django REST framework."""

import json

import pytest
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer
from rest_framework.views import exception_handler

from tot_jwt.exceptions import ExpiredToken, InsufficientScope, InvalidFields, LengthRequired
from tot_jwt.http.errors import ApiError


@pytest.mark.parametrize("error", [ExpiredToken(), InsufficientScope(["a"]), LengthRequired()])
def test_body_has_detail_and_code(error):
    data = exception_handler(ApiError(error), {}).data

    expected = {"detail": error.detail, "code": error.code}
    assert data == expected
    assert JSONRenderer().render(data) == json.dumps(expected, separators=(",", ":")).encode()


@pytest.mark.parametrize("error", [ExpiredToken(), InsufficientScope(["a"]), LengthRequired()])
def test_one_member_counts_as_error(error):
    """Packages that list the errors skip the members that are false."""
    listed = [each for each in ApiError(error).detail.values() if each]

    assert listed == [ErrorDetail(error.detail, error.code)]


def test_each_field_is_an_error():
    error = ApiError(InvalidFields({"appDomain": ["Wrong."], "code": ["Wrong."]}))

    assert all(error.detail.values())
    assert list(error.detail) == ["appDomain", "code"]
