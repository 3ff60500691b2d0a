"""The keys that sign and verify tokens."""

import hashlib
import hmac

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.token_errors import assert_token_error
from tests.support.tokens import DIGESTS, our_key


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
