"""The check of the settings' values."""

from datetime import timedelta

import pytest
from django.core import checks
from django.utils.functional import SimpleLazyObject

from tests.support.checks import ids, messages
from tests.support.key_pairs import private_pem
from tests.support.secrets import BLANK_SECRETS

# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db


def test_default_settings_are_valid():
    assert ids() == []


def test_checks_are_registered_with_tags():
    registered = {
        check.__name__: check.tags
        for check in checks.registry.registry.get_checks(include_deployment_checks=True)
    }

    assert registered["check_required_scopes"] == ("urls",)
    assert registered["check_settings"] == ("security",)
    assert registered["check_authentication_order"] == ("security",)
    assert registered["check_default_permissions"] == ("security",)
    assert registered["check_deployment"] == ("security",)
    assert registered["check_live_keys"] == ("database",)


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("ALGORITHM", "none", "E002"),
        ("ALGORITHM", "RS512", "E002"),
        ("ALGORITHM", "ES384", "E002"),
        ("ALGORITHM", "eddsa", "E002"),
        ("ALGORITHM", "ES256", "E003"),
        ("ALGORITHM", [], "E002"),
        ("ALGORITHM", None, "E002"),
        ("SIGNING_KEY", "k" * 31, "E003"),
        ("SIGNING_KEY", b"k" * 31, "E003"),
        ("SIGNING_KEY", "", "E003"),
        ("SIGNING_KEY", 7, "E003"),
        ("SIGNING_KEY", " " * 40, "E003"),
        ("SIGNING_KEY", b"\0" * 32, "E003"),
        (
            "SIGNING_KEY",
            "-----BEGIN PUBLIC KEY-----\n" + "k" * 64 + "\n-----END PUBLIC KEY-----",
            "E003",
        ),
        ("VERIFYING_KEYS", "k" * 32, "E004"),
        ("VERIFYING_KEYS", ["k" * 31], "E004"),
        ("VERIFYING_KEYS", ["k" * 32, "\n" * 32], "E004"),
        ("VERIFYING_KEYS", None, "E004"),
        (
            "VERIFYING_KEYS",
            ["-----BEGIN PUBLIC KEY-----\n" + "k" * 64 + "\n-----END PUBLIC KEY-----"],
            "E014",
        ),
        ("ISSUER", "", "E005"),
        ("ISSUER", None, "E005"),
        ("ISSUER", "x" * 201, "E005"),
        ("ISSUER", "ä" * 34, "E005"),
        ("ISSUER", "https://api.example.com\n", "E005"),
        ("ISSUER", "\N{ZERO WIDTH SPACE}", "E005"),
        ("ISSUER", SimpleLazyObject(lambda: "x"), "E005"),
        ("AUDIENCE", ["x"], "E006"),
        ("AUDIENCE", "a\tb", "E006"),
        ("AUDIENCE", "x" * 201, "E006"),
        ("TOKEN_LIFETIME", 900, "E007"),
        ("TOKEN_LIFETIME", timedelta(0), "E007"),
        ("TOKEN_LIFETIME", timedelta(seconds=1.5), "E007"),
        ("SCOPES", ["a"], "E008"),
        ("SCOPES", {"a b": "A"}, "E008"),
        ("SCOPES", {7: "A"}, "E008"),
        ("SCOPES", {"keys:manage": "A"}, "E008"),
        ("TOKENS_MANAGE_KEYS", 1, "E009"),
        ("CREATED_KEY_MAX_LIFETIME", timedelta(0), "E020"),
        ("CREATED_KEY_MAX_LIFETIME", timedelta(days=-1), "E020"),
        ("CREATED_KEY_MAX_LIFETIME", timedelta(days=1, microseconds=1), "E020"),
        ("CREATED_KEY_MAX_LIFETIME", 90, "E020"),
        ("CREATED_KEY_MAX_LIFETIME", timedelta(days=36526), "E020"),
        ("CREATED_KEY_MAX_LIFETIME", None, "E020"),
        ("ENVIRONMENTS", [], "E021"),
        ("ENVIRONMENTS", "live", "E021"),
        ("ENVIRONMENTS", ["live", "live"], "E021"),
        ("ENVIRONMENTS", ["live", "staging"], "E021"),
        ("ENVIRONMENTS", ["Live"], "E021"),
        ("ENVIRONMENTS", [["live"]], "E021"),
        ("ENVIRONMENTS", {"live": True}, "E021"),
        ("ENVIRONMENTS", None, "E021"),
        ("KEY_STATE_MAX_AGE", -1, "E010"),
        ("KEY_STATE_MAX_AGE", float("nan"), "E010"),
        ("KEY_STATE_MAX_AGE", "5", "E010"),
        ("KEY_STATE_MAX_AGE", True, "E010"),
        ("KEY_STATE_MAX_AGE", timedelta(seconds=5), "E010"),
        ("EXCHANGE_FAILURE_RATES", "30/min", "E016"),
        ("EXCHANGE_FAILURE_RATES", {"adress": "30/min"}, "E016"),
        ("EXCHANGE_FAILURE_RATES", {"address": "30"}, "E016"),
        ("EXCHANGE_FAILURE_RATES", {"address": "30/min", "key": 30}, "E016"),
        ("RATE_LIMIT", "600", "E026"),
        ("RATE_LIMIT", 600, "E026"),
        ("RATE_LIMIT", "", "E026"),
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
        ("TOKEN_HEADER", "", "E023"),
        ("TOKEN_HEADER", None, "E023"),
        ("TOKEN_HEADER", 7, "E023"),
        ("TOKEN_HEADER", ["Authorization"], "E023"),
        ("TOKEN_HEADER", b"Authorization", "E023"),
        ("TOKEN_HEADER", "X Token", "E023"),
        ("TOKEN_HEADER", "X-Token:", "E023"),
        ("TOKEN_HEADER", "X-Token\n", "E023"),
        ("TOKEN_HEADER", "X-Tökén", "E023"),
        ("TOKEN_HEADER", "X_Token", "E023"),
        ("TOKEN_HEADER", "HTTP_AUTHORIZATION", "E023"),
        ("TOKEN_HEADER", "Tot-Api-Key", "E023"),
        ("TOKEN_HEADER", "tot-secret-key", "E023"),
        ("TOKEN_HEADER", "TOT-APP-DOMAIN", "E023"),
        ("TOKEN_HEADER", "Cookie", "E023"),
        ("TOKEN_HEADER", "host", "E023"),
        ("TOKEN_HEADER", "Content-Type", "E023"),
        ("TOKEN_HEADER", "content-length", "E023"),
        ("TOKEN_HEADER", "X-Forwarded-For", "E023"),
        ("TOKEN_HEADER", "Accept-Language", "E023"),
        ("TOKEN_HEADER", "If-None-Match", "E023"),
        ("TOKEN_HEADER", "Range", "E023"),
        ("TOKEN_HEADER", "sec-fetch-site", "E023"),
        ("TOKEN_HEADER", "X-CSRFToken", "E023"),
        ("TOKEN_TYP", "jwt", "E024"),
        ("TOKEN_TYP", "at+JWT", "E024"),
        ("TOKEN_TYP", "", "E024"),
        ("TOKEN_TYP", None, "E024"),
        ("TOKEN_TYP", ["JWT"], "E024"),
        ("TOKEN_CLAIMS", "nowhere.claims", "E025"),
        ("TOKEN_CLAIMS", "tests.support.tokens.nothing", "E025"),
        ("TOKEN_CLAIMS", "tests.support.tokens.HEADER", "E025"),
        ("TOKEN_CLAIMS", "django.contrib.sites.models.Site", "E025"),  # its import fails
        ("TOKEN_CLAIMS", "dict", "E025"),
        ("TOKEN_CLAIMS", "asyncio.sleep", "E025"),
        ("TOKEN_CLAIMS", "", "E025"),
        ("TOKEN_CLAIMS", dict, "E025"),
        ("TOKEN_CLAIMS", ["builtins.dict"], "E025"),
    ],
)
@pytest.mark.req("A5")
def test_invalid_setting_is_an_error(settings, name, value, check_id):
    settings.TOT_JWT = {name: value}

    assert ids() == [check_id]


@pytest.mark.parametrize(
    "values",
    [
        {"ALGORITHM": "HS512", "SIGNING_KEY": "k" * 64, "VERIFYING_KEYS": [b"k" * 64]},
        {"SIGNING_KEY": "ä" * 16},
        {"ISSUER": "x" * 200, "AUDIENCE": "ä" * 33},
        {"SCOPES": {"a": "A", "b:c": ""}, "KEY_STATE_MAX_AGE": 0.5, "TRUSTED_PROXIES": 2},
        {
            "EXCHANGE_FAILURE_RATES": {},
            "EXCHANGE_RATE": "1/sec",
            "RATE_LIMIT": "600/min",
            "KEY_CHANGE_RATE": "10/d",
            "THROTTLE_CACHE": "default",
        },
        {
            "EXCHANGE_FAILURE_RATES": {"address": None, "key": "3/m"},
            "EXCHANGE_RATE": None,
            "KEY_CHANGE_RATE": None,
        },
        {"ENVIRONMENTS": ["test"], "CREATED_KEY_MAX_LIFETIME": timedelta(seconds=1)},
        {"ENVIRONMENTS": ("test", "live"), "CREATED_KEY_MAX_LIFETIME": timedelta(days=400)},
        {"TOKEN_TYP": "JWT", "TOKEN_CLAIMS": None},
        {"TOKEN_TYP": "at+jwt", "TOKEN_CLAIMS": "tests.support.tokens.claims_of"},
        {"TOKEN_HEADER": "X-Api-Token"},
        {"TOKEN_HEADER": "authorization"},
        {"TOKEN_HEADER": "Proxy-Authorization"},
        {"TOKEN_HEADER": "x.!#$%&'*+^`|~9"},
        {"TOKEN_LIFETIME": timedelta(seconds=1), "REALM": 'a "b"', "TOKENS_MANAGE_KEYS": False},
    ],
)
def test_valid_settings_pass_all_checks(settings, values):
    settings.TOT_JWT = values
    settings.ROOT_URLCONF = "tot_jwt.urls"  # without the views, which require other scopes

    assert ids() == []


def test_key_rejected_by_pyjwt_is_explained(settings):
    settings.TOT_JWT = {"SIGNING_KEY": "ssh-rsa " + "k" * 32}

    (message,) = messages()
    assert message.id == "tot_jwt.E014"
    assert message.msg.startswith("tot_jwt cannot sign or verify tokens with its key: ")


@pytest.mark.req("A5")
def test_algorithm_decides_the_keys_length(settings):
    settings.TOT_JWT = {"ALGORITHM": "HS512", "SIGNING_KEY": "k" * 63}

    assert ids() == ["E003"]


def test_settings_must_be_a_dict(settings):
    settings.TOT_JWT = []

    assert ids() == ["E001"]


def test_unknown_setting_warns_with_nearest_name(settings):
    settings.TOT_JWT = {"ISUER": "x", "ZEBRA": 1}

    assert ids() == ["W001", "W001"]
    hints = {message.msg: str(message.hint) for message in messages()}
    assert hints["TOT_JWT['ISUER'] is not a setting."] == "Did you mean ISSUER?"
    assert hints["TOT_JWT['ZEBRA'] is not a setting."].startswith("Use one of ALGORITHM, ")


@pytest.mark.req("A13")
@pytest.mark.parametrize("secret", BLANK_SECRETS)
def test_blank_secret_is_an_error(settings, secret):
    settings.SECRET_KEY_FALLBACKS = ["k" * 50, secret]
    assert ids() == ["E022"]

    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = secret
    assert ids() == ["E022"]


@pytest.mark.req("A13")
@pytest.mark.parametrize("fallbacks", ["an old secret key", b"an old secret key", None, {}, 7])
def test_fallbacks_must_be_a_list(settings, fallbacks):
    settings.SECRET_KEY_FALLBACKS = fallbacks

    assert ids() == ["E022"]


def test_signing_key_needs_no_fallback(settings):
    settings.SECRET_KEY_FALLBACKS = [""]
    settings.TOT_JWT = {"SIGNING_KEY": "k" * 32}

    assert ids() == []


@pytest.mark.parametrize("algorithm", ["ES265", "es256", "none"])
def test_wrong_algorithm_is_the_only_error(settings, algorithm):
    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": private_pem("ES256")}

    assert ids() == ["E002"]
