"""The package cryptography is optional: only key pairs need it."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.key_pairs import hide_cryptography, key_pair_settings, private_pem

NEEDED = (
    "TOT_JWT['SIGNING_KEY'] has a PEM key, which needs the package cryptography. "
    "Install tot-jwt[asymmetric]."
)


def test_secrets_work_without_cryptography():
    run = subprocess.run(
        [sys.executable, "-m", "tests.support.process_without_cryptography", private_pem("ES256")],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (run.stderr, run.returncode) == ("", 0)
    assert run.stdout.splitlines() == [
        "verified: 200",
        "checks: []",
        "jwks: {'keys': []}",
        f'checks: ["tot_jwt.E014: {NEEDED}"]',
        f"exchange: {NEEDED}",
        "command: A key pair needs the package cryptography. Install tot-jwt[asymmetric].",
    ]


@pytest.mark.parametrize("place", ["SIGNING_KEY", "VERIFYING_KEYS"])
def test_key_pair_requires_cryptography(
    make_key, post_token, get_token, settings, monkeypatch, place
):
    key = make_key()
    pem = private_pem("EdDSA")
    settings.TOT_JWT = {
        "SIGNING_KEY": key_pair_settings("EdDSA"),
        "VERIFYING_KEYS": {"VERIFYING_KEYS": [pem]},
    }[place]
    token = post_token(key).json()["token"]
    settings.TOT_JWT = {**settings.TOT_JWT, "AUDIENCE": "another"}
    hide_cryptography(monkeypatch)

    for call in (lambda: post_token(key), lambda: get_token(token)):
        with pytest.raises(ImproperlyConfigured, match=r"Install tot-jwt\[asymmetric\]"):
            call()
