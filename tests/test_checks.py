"""The system checks: their ids and when they apply."""

from datetime import timedelta

import pytest
from django.core import checks
from django.core.checks import run_checks
from rest_framework_simplejwt.authentication import JWTAuthentication as SimpleJWTAuthentication

from tests.support.times import NOON
from tot_jwt.authentication import JWTAuthentication

OURS = "tot_jwt.authentication.JWTAuthentication"
THEIRS = "rest_framework_simplejwt.authentication.JWTAuthentication"


# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db


def ids(**kwargs):
    """Run the checks and return the ids of the package's messages."""
    return [message.id for message in run_checks(**kwargs) if message.id.startswith("tot_jwt.")]


def test_default_settings_are_valid():
    assert ids() == []


def test_checks_are_registered_with_tags():
    registered = {
        check.__name__: check.tags
        for check in checks.registry.registry.get_checks(include_deployment_checks=True)
    }

    assert registered["check_settings"] == ("security",)
    assert registered["check_authentication_order"] == ("security",)
    assert registered["check_deployment"] == ("security",)
    assert registered["check_live_keys"] == ("database",)


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("ALGORITHM", "none", "E002"),
        ("ALGORITHM", "RS256", "E002"),
        ("ALGORITHM", [], "E002"),
        ("ALGORITHM", None, "E002"),
        ("SIGNING_KEY", "k" * 31, "E003"),
        ("SIGNING_KEY", b"k" * 31, "E003"),
        ("SIGNING_KEY", "", "E003"),
        ("SIGNING_KEY", 7, "E003"),
        (
            "SIGNING_KEY",
            "-----BEGIN PUBLIC KEY-----\n" + "k" * 64 + "\n-----END PUBLIC KEY-----",
            "E014",
        ),
        ("VERIFYING_KEYS", "k" * 32, "E004"),
        ("VERIFYING_KEYS", ["k" * 31], "E004"),
        (
            "VERIFYING_KEYS",
            ["-----BEGIN PUBLIC KEY-----\n" + "k" * 64 + "\n-----END PUBLIC KEY-----"],
            "E014",
        ),
        ("ISSUER", "", "E005"),
        ("ISSUER", None, "E005"),
        ("ISSUER", "x" * 256, "E005"),
        ("ISSUER", "ä" * 43, "E005"),
        ("AUDIENCE", ["x"], "E006"),
        ("AUDIENCE", "x" * 256, "E006"),
        ("TOKEN_LIFETIME", 900, "E007"),
        ("TOKEN_LIFETIME", timedelta(0), "E007"),
        ("TOKEN_LIFETIME", timedelta(seconds=1.5), "E007"),
        ("SCOPES", ["a"], "E008"),
        ("SCOPES", {"a b": "A"}, "E008"),
        ("SCOPES", {7: "A"}, "E008"),
        ("SCOPES", {"keys:manage": "A"}, "E008"),
        ("TOKENS_MANAGE_KEYS", 1, "E009"),
        ("KEY_STATE_MAX_AGE", -1, "E010"),
        ("KEY_STATE_MAX_AGE", "5", "E010"),
        ("KEY_STATE_MAX_AGE", True, "E010"),
        ("KEY_STATE_MAX_AGE", timedelta(seconds=5), "E010"),
        ("EXCHANGE_FAILURE_RATES", "30/min", "E016"),
        ("EXCHANGE_FAILURE_RATES", {"adress": "30/min"}, "E016"),
        ("EXCHANGE_FAILURE_RATES", {"address": "30"}, "E016"),
        ("EXCHANGE_FAILURE_RATES", {"address": "30/min", "key": 30}, "E016"),
        ("EXCHANGE_RATE", "0/min", "E017"),
        ("EXCHANGE_RATE", "30/week", "E017"),
        ("EXCHANGE_RATE", "30/month", "E017"),
        ("KEY_CHANGE_RATE", "30/min ", "E018"),
        ("KEY_CHANGE_RATE", "", "E018"),
        ("KEY_CHANGE_RATE", 60, "E018"),
        ("THROTTLE_CACHE", "nowhere", "E019"),
        ("THROTTLE_CACHE", None, "E019"),
        ("THROTTLE_CACHE", [], "E019"),
        ("TRUSTED_PROXIES", -1, "E011"),
        ("TRUSTED_PROXIES", 1.0, "E011"),
        ("TRUSTED_PROXIES", True, "E011"),
        ("API_KEYS_IN_QUERY", "yes", "E012"),
        ("REALM", "", "E013"),
        ("REALM", "ä", "E013"),
        ("REALM", "a\nb", "E013"),
        ("REALM", 7, "E013"),
    ],
)
@pytest.mark.req("A5")
def test_invalid_setting_is_an_error(settings, name, value, check_id):
    settings.TOT_JWT = {name: value}

    assert ids() == [f"tot_jwt.{check_id}"]


@pytest.mark.parametrize(
    "values",
    [
        {"ALGORITHM": "HS512", "SIGNING_KEY": "k" * 64, "VERIFYING_KEYS": [b"k" * 64]},
        {"SIGNING_KEY": "ä" * 16},
        {"ISSUER": "x" * 255, "AUDIENCE": "ä" * 42},
        {"SCOPES": {"a": "A", "b:c": ""}, "KEY_STATE_MAX_AGE": 0.5, "TRUSTED_PROXIES": 2},
        {
            "EXCHANGE_FAILURE_RATES": {},
            "EXCHANGE_RATE": "1/sec",
            "KEY_CHANGE_RATE": "10/d",
            "THROTTLE_CACHE": "default",
        },
        {
            "EXCHANGE_FAILURE_RATES": {"address": None, "key": "3/m"},
            "EXCHANGE_RATE": None,
            "KEY_CHANGE_RATE": None,
        },
        {"TOKEN_LIFETIME": timedelta(seconds=1), "REALM": 'a "b"', "TOKENS_MANAGE_KEYS": False},
    ],
)
def test_valid_settings_pass_all_checks(settings, values):
    settings.TOT_JWT = values

    assert ids() == []


def test_key_rejected_by_pyjwt_is_explained(settings):
    settings.TOT_JWT = {
        "SIGNING_KEY": "-----BEGIN PUBLIC KEY-----\n" + "k" * 64 + "\n-----END PUBLIC KEY-----"
    }

    (message,) = [message.msg for message in run_checks() if message.id == "tot_jwt.E014"]
    assert message.startswith("tot_jwt cannot sign or verify tokens with its key: ")


@pytest.mark.req("A5")
def test_algorithm_decides_the_keys_length(settings):
    settings.TOT_JWT = {"ALGORITHM": "HS512", "SIGNING_KEY": "k" * 63}

    assert ids() == ["tot_jwt.E003"]


def test_settings_must_be_a_dict(settings):
    settings.TOT_JWT = []

    assert ids() == ["tot_jwt.E001"]


def test_unknown_setting_warns_with_nearest_name(settings):
    settings.TOT_JWT = {"ISUER": "x", "ZEBRA": 1}

    messages = {
        message.msg: message.hint for message in run_checks() if message.id == "tot_jwt.W001"
    }
    assert messages["TOT_JWT['ISUER'] is not a setting."] == "Did you mean ISSUER?"
    assert messages["TOT_JWT['ZEBRA'] is not a setting."].startswith("Use one of ALGORITHM, ")


@pytest.mark.req("A3")
@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([THEIRS, OURS], ["tot_jwt.W002"]),
        ([OURS, THEIRS], []),
        ([OURS], []),
        ([THEIRS], []),
        ([], []),
    ],
)
def test_simplejwts_class_before_ours_warns(settings, classes, expected):
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}
    assert ids() == expected


def test_order_of_imported_classes_is_checked(settings):
    classes = [SimpleJWTAuthentication, JWTAuthentication]
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}

    assert ids() == ["tot_jwt.W002"]


LOCAL = "django.core.cache.backends.locmem.LocMemCache"
NONE = "django.core.cache.backends.dummy.DummyCache"
SHARED = "django.core.cache.backends.redis.RedisCache"
UNLIMITED = {"KEY_CHANGE_RATE": None, "EXCHANGE_FAILURE_RATES": {"key": None}}
SAFE = {
    "CACHES": {
        "default": {"BACKEND": SHARED},
        "local": {"BACKEND": LOCAL},
        "none": {"BACKEND": NONE},
    },
    "TOT_JWT": {"ISSUER": "https://api.example.com"},
    "SECURE_SSL_REDIRECT": True,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"TOT_JWT": {}}, ["tot_jwt.W004"]),
        ({"TOT_JWT": {"ISSUER": "x", "TOKEN_LIFETIME": timedelta(minutes=16)}}, ["tot_jwt.W005"]),
        ({"TOT_JWT": {"ISSUER": "x", "SIGNING_KEY": "for-tests-only-" * 4}}, ["tot_jwt.W003"]),
        (
            {
                "TOT_JWT": {"ISSUER": "x", "SIGNING_KEY": "s" * 32},
                "SIMPLE_JWT": {"SIGNING_KEY": "s" * 32},
            },
            ["tot_jwt.W003"],
        ),
        ({"TOT_JWT": {"ISSUER": "x", "SIGNING_KEY": "s" * 32}}, []),
        ({"SIMPLE_JWT": None}, []),
        ({"TOT_JWT": {"ISSUER": "x", "SIGNING_KEY": "s" * 32}, "SIMPLE_JWT": None}, []),
        ({"SECURE_SSL_REDIRECT": False}, ["tot_jwt.W006"]),
        (
            {"SECURE_SSL_REDIRECT": False, "SECURE_PROXY_SSL_HEADER": ("HTTP_X", "https")},
            ["tot_jwt.W007"],
        ),
        ({"USE_X_FORWARDED_HOST": True}, ["tot_jwt.W007"]),
        ({"TOT_JWT": {"ISSUER": "x", "THROTTLE_CACHE": "local"}}, ["tot_jwt.W009"]),
        ({"TOT_JWT": {"ISSUER": "x", "THROTTLE_CACHE": "none"}}, ["tot_jwt.W009"]),
        (
            {"TOT_JWT": {"ISSUER": "x", "THROTTLE_CACHE": "local", "KEY_CHANGE_RATE": None}},
            ["tot_jwt.W009"],
        ),
        ({"TOT_JWT": {"ISSUER": "x", "THROTTLE_CACHE": "local", **UNLIMITED}}, []),
        ({"USE_TZ": False}, ["tot_jwt.W010"]),
        ({"TOT_JWT": {"TOKEN_LIFETIME": 900}}, ["tot_jwt.E007"]),
        ({"USE_X_FORWARDED_HOST": True, "TOT_JWT": {"ISSUER": "x", "TRUSTED_PROXIES": 1}}, []),
    ],
)
def test_risks_of_production_warn(settings, changes, expected):
    for name, value in {**SAFE, **changes}.items():
        setattr(settings, name, value)

    assert ids(include_deployment_checks=True) == expected


@pytest.mark.parametrize(
    ("debug", "key", "expected"),
    [
        (True, {}, ["tot_jwt.W008"]),
        (False, {}, []),
        (True, {"environment": "test"}, []),
        (True, {"revoked_at": NOON}, []),
        (True, None, []),
    ],
)
def test_debug_with_live_keys_warns(settings, make_key, debug, key, expected):
    for name, value in SAFE.items():
        setattr(settings, name, value)
    settings.DEBUG = debug
    if key is not None:
        make_key(**key)

    assert ids(include_deployment_checks=True, databases=["default"]) == expected
    assert ids(include_deployment_checks=True) == []
