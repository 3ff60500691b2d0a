"""The checks of DRF's default classes."""

import pytest
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework_simplejwt.authentication import JWTAuthentication as SimpleJWTAuthentication

from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.checks import check_authentication_order, check_default_permissions
from tot_jwt.permissions import HasScopes, NotApiClient

OURS = "tot_jwt.authentication.JWTAuthentication"
KEYS = "tot_jwt.authentication.ApiKeyAuthentication"
THEIRS = "rest_framework_simplejwt.authentication.JWTAuthentication"
STATELESS = "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
SESSION = "rest_framework.authentication.SessionAuthentication"
SAFE = "tot_jwt.permissions.NotApiClient"
HERE = "tests.checks.test_defaults"


def ids():
    """Return the ids of the messages, without their prefix.

    The functions are called directly: Django's own checks import views, which need usable defaults.
    """
    found = [*check_authentication_order(), *check_default_permissions()]
    return [message.id.removeprefix("tot_jwt.") for message in found]


class OursOfTheHost(JWTAuthentication):
    pass


class TheirsOfTheHost(SimpleJWTAuthentication):
    pass


class KeysOfTheHost(ApiKeyAuthentication):
    pass


class ScopesOfTheHost(HasScopes):
    pass


@pytest.mark.req("A3")
@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([THEIRS, OURS], ["W002"]),
        ([STATELESS, OURS], ["W002"]),
        ([f"{HERE}.TheirsOfTheHost", OURS], ["W002"]),
        ([TheirsOfTheHost, OURS], ["W002"]),
        ([SimpleJWTAuthentication, JWTAuthentication], ["W002"]),
        ([f"{HERE}.TheirsOfTheHost", f"{HERE}.OursOfTheHost"], ["W002"]),
        ([KEYS, THEIRS, OURS], ["W002"]),
        ([SESSION, TheirsOfTheHost, OURS, THEIRS], ["W002"]),
        ([OURS, THEIRS], []),
        ([OursOfTheHost, TheirsOfTheHost], []),
        ([SESSION, OURS, KEYS, TheirsOfTheHost], []),
        ([THEIRS, KEYS], []),
        ([OURS], []),
        ([TheirsOfTheHost], []),
        ([], []),
        (None, []),
        (["nowhere.Missing", f"{HERE}.Missing", THEIRS, OURS], ["W002"]),
        (["nowhere.Missing", OURS], []),
    ],
)
def test_simplejwts_class_before_ours_warns(settings, classes, expected):
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": classes,
        "DEFAULT_PERMISSION_CLASSES": [SAFE],
    }

    assert ids() == expected


@pytest.mark.parametrize("ours", [OURS, KEYS, JWTAuthentication, OursOfTheHost, KeysOfTheHost])
@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        (None, ["W016"]),
        ([], ["W016"]),
        (["rest_framework.permissions.IsAuthenticated"], ["W016"]),
        ([IsAuthenticated], ["W016"]),
        ([IsAuthenticated | IsAdminUser], ["W016"]),
        ([~HasScopes], ["W016"]),
        (["nowhere.Missing"], ["W016"]),
        ([SAFE], []),
        ([IsAuthenticated, NotApiClient], []),
        (["tot_jwt.permissions.HasScopes"], []),
        ([ScopesOfTheHost], []),
        ([f"{HERE}.ScopesOfTheHost"], []),
        ([HasScopes | IsAdminUser], []),
        ([NotApiClient | IsAuthenticated], ["W016"]),
        ([AllowAny | HasScopes], ["W016"]),
        ([IsAuthenticated & (NotApiClient | HasScopes)], []),
    ],
)
def test_our_class_needs_safe_permission(settings, ours, permissions, expected):
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [SESSION, ours],
        "DEFAULT_PERMISSION_CLASSES": permissions,
    }

    assert ids() == expected


@pytest.mark.parametrize("classes", [[SESSION], [THEIRS], []])
def test_other_classes_need_no_permission(settings, classes):
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}

    assert ids() == []
