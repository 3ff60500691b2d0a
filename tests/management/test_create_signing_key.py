"""``create_signing_key``."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError

from tests.support.key_pairs import (
    ASYMMETRIC,
    hide_cryptography,
    kid_of,
    private_key,
    public_pem,
)


@pytest.mark.req("A13")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_new_key_signs_tokens(run, make_key, make_token, get_token, settings, algorithm):
    pem = run("create_signing_key", "--algorithm", algorithm)

    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": pem}

    assert get_token(make_token(make_key())).status_code == 200


def test_text_is_only_the_key(outcome):
    printed = outcome("create_signing_key")

    assert (printed.err, printed.status) == ("", 0)
    assert printed.out.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert printed.out.endswith("\n-----END PRIVATE KEY-----\n")
    assert private_key(printed.out).curve.name == "secp256r1"


def test_quiet_command_prints_the_key(outcome):
    printed = outcome("create_signing_key", "--algorithm=EdDSA", "-v", "0")

    assert printed.out.count("-----") == 4
    assert (printed.err, printed.status) == ("", 0)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_json_has_both_halves(run_json, algorithm):
    document = run_json("create_signing_key", "--algorithm", algorithm)

    pem = document["signingKey"]
    assert document == {
        "algorithm": algorithm,
        "kid": kid_of(pem),
        "signingKey": pem,
        "publicKey": public_pem(pem),
    }


def test_each_key_is_another(run):
    assert run("create_signing_key") != run("create_signing_key")


def test_rsa_key_has_2048_bits(run):
    assert private_key(run("create_signing_key", "--algorithm", "RS256")).key_size == 2048


@pytest.mark.parametrize("algorithm", ["HS256", "es256", "RS512", ""])
def test_other_algorithm_is_an_error(run, algorithm):
    with pytest.raises(CommandError, match="choose from"):
        run("create_signing_key", "--algorithm", algorithm)


def test_missing_cryptography_is_an_error(run, monkeypatch):
    hide_cryptography(monkeypatch)

    with pytest.raises(CommandError, match=r"Install tot-jwt\[asymmetric\]\.$"):
        run("create_signing_key")


def test_errors_of_checks_do_not_matter(db, settings):
    """The message of E003 names this command."""
    settings.TOT_JWT = {"ALGORITHM": "ES256"}
    out = io.StringIO()

    call_command("tot_jwt", "create_signing_key", stdout=out, skip_checks=False)

    assert private_key(out.getvalue()).curve.name == "secp256r1"
    with pytest.raises(SystemCheckError, match="E003"):
        call_command("tot_jwt", "list_domains", skip_checks=False)
