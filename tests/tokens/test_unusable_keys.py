"""Keys that cannot be used: each use fails, and no message shows anything of a key."""

import html

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import ExceptionReporter

from tests.support.key_pairs import key_pair_settings, private_pem
from tests.support.secrets import UNUSABLE_KEYS, parts_of_keys
from tests.support.tokens import claims_for, sign
from tot_jwt.tokens.backend import backend

CASES = pytest.mark.parametrize("case", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS)


def test_usable_key_is_the_control(make_key, make_token, settings):
    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=[private_pem("RS256")])

    assert make_token(make_key())


@CASES
@pytest.mark.req("A13")
def test_unusable_key_is_improperly_configured(make_key, post_token, get_token, settings, case):
    key = make_key()
    forged = sign(claims_for(key))
    settings.TOT_JWT = case.values()

    for call in (lambda: post_token(key), lambda: get_token(forged)):
        with pytest.raises(ImproperlyConfigured, match=case.message) as caught:
            call()
        assert not [each for each in parts_of_keys(settings.TOT_JWT) if each in str(caught.value)]


def report_of(error):
    """Return Django's report of an error, as it would be sent to administrators."""
    reporter = ExceptionReporter(None, type(error), error, error.__traceback__)
    return html.unescape(reporter.get_traceback_html() + reporter.get_traceback_text())


@CASES
@pytest.mark.req("A13", "E1")
def test_report_shows_no_private_key(settings, case):
    settings.TOT_JWT = case.values()

    with pytest.raises(ImproperlyConfigured) as caught:
        backend()

    report = report_of(caught.value)
    assert "_build" in report
    assert not [each for each in parts_of_keys(settings.TOT_JWT) if each in report]


@pytest.mark.req("A13", "E1")
def test_report_shows_no_used_key(make_key, post_token, settings):
    """A bug of the host, while a good key signs."""
    settings.TOT_JWT = key_pair_settings(
        "RS256", VERIFYING_KEYS=[private_pem("ES256"), "s" * 40], ISSUER=object()
    )

    with pytest.raises(TypeError) as caught:
        post_token(make_key())

    report = report_of(caught.value)
    assert "_encode_with" in report
    assert not [each for each in parts_of_keys(settings.TOT_JWT) if each in report]
