"""The checks of key pairs."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.checks import ids, make_safe, messages, safe_values
from tests.support.key_pairs import (
    ASYMMETRIC,
    SECRET,
    hide_cryptography,
    key_pair_settings,
    pem_of,
    private_pem,
    public_bytes,
    public_pem,
)
from tests.support.secrets import UNUSABLE_KEYS, parts_of_keys

# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("typ", ["JWT", "at+jwt"])
def test_key_pairs_pass_all_checks(settings, algorithm, typ):
    others = [None, SECRET, *map(private_pem, ASYMMETRIC), public_bytes(private_pem(algorithm, 1))]
    settings.TOT_JWT = key_pair_settings(algorithm, VERIFYING_KEYS=others, TOKEN_TYP=typ)

    assert ids() == []


@pytest.mark.req("A13")
@pytest.mark.parametrize("case", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS)
def test_unusable_key_is_one_error(settings, case):
    settings.TOT_JWT = case.values()

    (message,) = messages(include_deployment_checks=True)

    assert message.id == f"tot_jwt.{case.check_id}"
    assert message.hint
    shown = f"{message} {message!r}"
    assert not [each for each in parts_of_keys(settings.TOT_JWT) if each in shown]


@pytest.mark.req("A13")
def test_missing_cryptography_is_an_error(settings, monkeypatch):
    settings.TOT_JWT = {"VERIFYING_KEYS": [private_pem("ES256")]}
    assert ids() == []
    settings.TOT_JWT = {**settings.TOT_JWT, "ISSUER": "another"}

    hide_cryptography(monkeypatch)

    (message,) = messages()
    assert message.id == "tot_jwt.E014"
    assert message.msg == (
        "TOT_JWT['VERIFYING_KEYS'] has a PEM key, which needs the package cryptography. "
        "Install tot-jwt[asymmetric]."
    )


@pytest.mark.req("A13")
@pytest.mark.parametrize(("others", "expected"), [([], []), ([None], ["E022"])])
def test_blank_fallback_that_verifies_counts(settings, others, expected):
    settings.SECRET_KEY_FALLBACKS = [""]
    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=others)

    assert ids() == expected


# Shared keys


@pytest.fixture
def risks(settings):
    """``risks(SIMPLE_JWT=…)``: return the ids for safe settings with these changes."""
    make_safe(settings)

    def run(**changes):
        for name, value in changes.items():
            setattr(settings, name, value)
        return ids(include_deployment_checks=True)

    return run


@pytest.mark.req("A1")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_key_pair_shared_with_host_warns(risks, algorithm):
    own, other = private_pem(algorithm), private_pem(algorithm, 1)
    signs = safe_values(**key_pair_settings(algorithm))

    for values in (
        signs,
        safe_values(VERIFYING_KEYS=[public_pem(own)]),
        safe_values(VERIFYING_KEYS=["v" * 32, own.encode()]),
    ):
        for simple_jwt, expected in [
            ({"SIGNING_KEY": own}, ["W003"]),
            ({"SIGNING_KEY": own.replace("\n", "\r\n").encode()}, ["W003"]),
            ({"SIGNING_KEY": "", "VERIFYING_KEY": public_pem(own)}, ["W003"]),
            ({"SIGNING_KEY": "", "VERIFYING_KEY": f"\n{public_pem(own)}\n"}, ["W003"]),
            ({"SIGNING_KEY": other, "VERIFYING_KEY": public_pem(other)}, []),
            ({"SIGNING_KEY": "", "VERIFYING_KEY": own[:-40]}, []),
        ]:
            assert risks(TOT_JWT=values, SIMPLE_JWT=simple_jwt) == expected


@pytest.mark.req("A1")
def test_own_pair_of_keys_is_safe(risks):
    """Both halves in the ring, while the next key is published."""
    values = key_pair_settings("ES256", VERIFYING_KEYS=[public_pem(private_pem("ES256"))])

    assert risks(TOT_JWT=safe_values(**values)) == []


@pytest.mark.req("A1")
def test_secret_as_hosts_key_warns(risks):
    values = key_pair_settings("ES256", VERIFYING_KEYS=[SECRET])

    assert risks(TOT_JWT=safe_values(**values), SECRET_KEY=SECRET) == ["W003"]


@pytest.mark.req("A5")
@pytest.mark.parametrize(("others", "expected"), [([], []), ([None], ["W013"])])
def test_derived_key_that_verifies_counts(risks, others, expected):
    values = safe_values(**key_pair_settings("ES256", VERIFYING_KEYS=others))

    assert risks(TOT_JWT=values, SECRET_KEY="k" * 31) == expected


# Long tokens


@pytest.mark.parametrize(("bits", "expected"), [(2048, []), (3072, []), (4096, ["W019"])])
def test_long_rsa_key_warns(risks, bits, expected):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    assert risks(TOT_JWT=safe_values(ALGORITHM="RS256", SIGNING_KEY=pem_of(key))) == expected


@pytest.mark.parametrize(
    ("algorithm", "length", "expected"),
    [("ES256", 200, []), ("EdDSA", 200, []), ("RS256", 200, ["W019"])],
)
def test_long_issuer_may_warn(risks, algorithm, length, expected):
    issuer = f"https://{'a' * 60}.example.com/".ljust(length, "i")

    values = safe_values(**key_pair_settings(algorithm, ISSUER=issuer, AUDIENCE=issuer))

    assert risks(TOT_JWT=values) == expected
