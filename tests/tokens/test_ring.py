"""The keys that sign and verify tokens."""

import hashlib
import hmac
import os

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from django.views.debug import ExceptionReporter

from tests.support.key_pairs import key_pair_settings
from tests.support.secrets import BLANK_SECRETS
from tests.support.token_errors import assert_token_error
from tests.support.tokens import DIGESTS, claims_for, our_key, sign
from tot_jwt.tokens.backend import backend


def test_fallbacks_of_secret_key_verify(make_key, make_token, get_token, settings):
    token = make_token(make_key())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8
    assert_token_error(get_token(token), "token_invalid")

    settings.SECRET_KEY_FALLBACKS = [old]

    assert get_token(token).status_code == 200


@pytest.mark.parametrize("key", ["ä" * 16, b"k" * 32, "-" * 100])
def test_signing_key_is_used_unchanged(make_key, make_token, settings, key):
    settings.TOT_JWT = {"SIGNING_KEY": key}

    token = make_token(make_key())

    assert jwt.decode(token, key, algorithms=["HS256"], audience="tot-jwt-api")


@pytest.mark.req("A13", "E1")
def test_key_may_be_invalid_text(make_key, make_token, get_token, settings):
    """Python reads such keys from environment variables with random bytes."""
    settings.TOT_JWT = {"SIGNING_KEY": os.fsdecode(b"\xff" * 32), "VERIFYING_KEYS": ["\ud800" * 32]}

    assert get_token(make_token(make_key())).status_code == 200


@pytest.mark.parametrize("key", ["ä" * 16, b"k" * 32, "-" * 100])
def test_verifying_keys_only_verify(make_key, make_token, get_token, settings, key):
    settings.TOT_JWT = {"SIGNING_KEY": key}
    token = make_token(make_key())

    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    assert_token_error(get_token(token), "token_invalid")
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32, "VERIFYING_KEYS": ["x" * 32, key]}
    assert get_token(token).status_code == 200
    assert jwt.decode(
        make_token(make_key()), "n" * 32, algorithms=["HS256"], audience="tot-jwt-api"
    )


def test_signing_key_excludes_derived_keys(make_key, make_token, get_token, settings):
    token = make_token(make_key())
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]

    assert_token_error(get_token(token), "token_invalid")


def test_derived_key_is_stable_across_releases(settings):
    settings.SECRET_KEY = "k" * 50

    purpose = hashlib.sha256(b"tot_jwt.signing" + b"k" * 50).digest()
    assert our_key() == hmac.digest(purpose, b"HS256", "sha256")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_derived_key_has_algorithms_length(make_key, make_token, get_token, settings, algorithm):
    settings.TOT_JWT = {"ALGORITHM": algorithm}
    token = make_token(make_key())

    assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "JWT"}
    assert get_token(token).status_code == 200
    assert len(our_key()) == DIGESTS[algorithm]().digest_size


@pytest.mark.req("A5")
@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_short_key_is_improperly_configured(
    make_key, post_token, get_token, settings, algorithm, least
):
    key = make_key()
    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * least}
    token = post_token(key).json()["token"]
    assert get_token(token).status_code == 200

    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * (least - 1)}
    with pytest.raises(ImproperlyConfigured):
        post_token(key)
    with pytest.raises(ImproperlyConfigured):
        get_token(token)


def test_unknown_algorithm_is_improperly_configured(make_key, post_token, settings):
    settings.TOT_JWT = {"ALGORITHM": "none"}

    with pytest.raises(ImproperlyConfigured, match="HS256"):
        post_token(make_key())


def test_unknown_type_is_improperly_configured(make_key, post_token, settings):
    settings.TOT_JWT = {"TOKEN_TYP": "jwt"}

    with pytest.raises(ImproperlyConfigured, match=r"JWT, at\+jwt"):
        post_token(make_key())


# Blank secrets


def derive(secret):
    """Return the key that is derived from a secret, as anyone can who guesses the secret."""
    return salted_hmac("tot_jwt.signing", "HS256", secret=secret, algorithm="sha256").digest()


@pytest.mark.req("A13")
@pytest.mark.parametrize("secret", BLANK_SECRETS)
def test_nobody_forges_with_blank_fallback(make_key, post_token, get_token, settings, secret):
    key = make_key()
    forged = sign(claims_for(key), key=derive(secret))
    settings.SECRET_KEY_FALLBACKS = ["k" * 50, secret]

    for call in (lambda: get_token(forged), lambda: post_token(key)):
        with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FALLBACKS .* blank"):
            call()


@pytest.mark.req("A13")
@pytest.mark.parametrize("secret", BLANK_SECRETS)
def test_blank_secret_key_is_refused(make_key, post_token, settings, secret):
    key = make_key()
    settings.SECRET_KEY = secret

    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY .*must not be"):
        post_token(key)


@pytest.mark.req("A13")
@pytest.mark.parametrize("fallbacks", ["ab", b"ab", None, 7])
def test_fallbacks_must_be_a_list(make_key, settings, fallbacks):
    """The characters of a string would each become a fallback that anyone can guess."""
    forged = sign(claims_for(make_key()), key=derive("a"))
    settings.SECRET_KEY_FALLBACKS = fallbacks

    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS must be a list"):
        backend().decode(forged)


@pytest.mark.req("A13")
@pytest.mark.parametrize("blank", [" " * 40, "\n" * 32, b"\0" * 32, "\0 " * 32, ""])
@pytest.mark.parametrize("name", ["SIGNING_KEY", "VERIFYING_KEYS"])
def test_blank_key_is_refused(make_key, post_token, get_token, settings, blank, name):
    key = make_key()
    settings.TOT_JWT = {name: blank if name == "SIGNING_KEY" else ["k" * 32, blank]}
    forged = sign(claims_for(key), key=blank.encode() if isinstance(blank, str) else blank)

    for call in (lambda: get_token(forged), lambda: post_token(key)):
        with pytest.raises(ImproperlyConfigured):
            call()


@pytest.mark.req("A13")
def test_blank_fallback_beside_pair_is_refused(make_key, get_token, settings):
    forged = sign(claims_for(make_key()), key=derive(""))
    settings.SECRET_KEY_FALLBACKS = [""]
    settings.TOT_JWT = key_pair_settings("ES256")
    assert_token_error(get_token(forged), "token_invalid")

    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=[None])
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FALLBACKS .* blank"):
        get_token(forged)


def test_signing_key_needs_no_fallback(make_key, make_token, get_token, settings):
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    settings.SECRET_KEY_FALLBACKS = [""]

    assert get_token(make_token(make_key())).status_code == 200


@pytest.mark.req("A13", "E1")
@pytest.mark.parametrize(
    "changes",
    [
        {"SECRET_KEY_FALLBACKS": [f"{2:032b}", ""]},
        {"SECRET_KEY_FALLBACKS": f"{2:032b}"},
        {"TOT_JWT": {"ALGORITHM": "none", "SIGNING_KEY": f"{2:032b}"}},
        {"TOT_JWT": {"SIGNING_KEY": f"{2:032b}", "VERIFYING_KEYS": None}},
        {"TOT_JWT": {"SIGNING_KEY": f"{2:032b}", "VERIFYING_KEYS": [" "]}},
        {"TOT_JWT": {"SIGNING_KEY": f"{2:031b}"}},
        # Bytes of the environment that are not UTF-8, beside a setting that is wrong.
        {"SECRET_KEY_FALLBACKS": [f"{2:032b}\udcff"], "TOT_JWT": {"VERIFYING_KEYS": [" "]}},
    ],
)
def test_error_report_shows_no_key(settings, changes):
    settings.SECRET_KEY = f"{2:032b}"
    for name in list(changes):
        setattr(settings, name, changes.pop(name))

    with pytest.raises((ImproperlyConfigured, TypeError)) as caught:
        backend().check()

    report = ExceptionReporter(None, caught.type, caught.value, caught.tb).get_traceback_html()
    assert f"{2:031b}" not in report


def test_fallback_that_is_not_utf8_verifies(make_key, make_token, get_token, settings):
    """An environment variable may have any bytes, which Python reads as surrogates."""
    token = make_token(make_key())

    settings.SECRET_KEY_FALLBACKS = [f"{2:032b}\udcff"]

    assert get_token(token).status_code == 200


@pytest.mark.parametrize("fallbacks", [{"a"}, {"a": 1}, [["a"]]])
def test_signing_key_needs_no_usable_fallbacks(
    make_key, make_token, get_token, settings, fallbacks
):
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    settings.SECRET_KEY_FALLBACKS = fallbacks

    assert get_token(make_token(make_key())).status_code == 200
