"""RFC 7519: JSON Web Token, with RFC 7515: JSON Web Signature.

These clauses do not apply:

- RFC 7515 §3.2 and §7.2, the JSON serialization: a token is in the compact form (RFC 7519 §3).
- RFC 7515 §4.1.2, §4.1.3, §4.1.5 to §4.1.8, keys in the header: tokens have `kid` only.
- RFC 7519 §5.2, `cty`, and §5.3, claims in the header: tokens are neither nested nor encrypted.
- RFC 7519 §6, unsecured tokens: they are rejected.

The server accepts only headers that its own keys write, byte for byte. So it also rejects headers
that RFC 7519 allows, such as one with an unknown member.
"""

import json
import time

import pytest

from tests.support.compliance import header_of
from tests.support.key_pairs import ASYMMETRIC, key_pair_settings
from tests.support.token_errors import assert_token_error
from tests.support.tokens import HEADER, b64, claims_for, claims_of, sign


def with_raw_claims(key, more):
    """Return a signed token of the key, with raw text before the end of its claims."""
    return sign(f"{json.dumps(claims_for(key))[:-1]}{more}}}".encode())


# The form


@pytest.mark.clause("RFC 7519 §3", "RFC 7515 §3.1", "RFC 7515 §7.1")
def test_token_has_three_parts(make_key, make_access_token, get_token):
    """A token is header, claims and signature, joined by dots."""
    token = make_access_token(make_key())
    header, claims, signature = token.split(".")

    assert get_token(token).status_code == 200
    for other in (f"{header}.{claims}", f"{token}.{signature}", f"{header}..{signature}"):
        assert_token_error(get_token(other), "token_malformed")


@pytest.mark.clause("RFC 7515 §2", "RFC 7515 §5.2")
@pytest.mark.parametrize("ending", ["=", "==", "+", "/", "\u00e9"])
def test_other_base64_is_malformed(make_key, make_access_token, get_token, ending):
    """The parts are base64url without padding, line breaks or white space."""
    token = make_access_token(make_key())
    assert get_token(token).status_code == 200

    assert_token_error(get_token(token + ending), "token_malformed")
    assert_token_error(get_token(token.replace(".", f"{ending}.")), "token_malformed")


@pytest.mark.clause("RFC 7515 §5.2", "RFC 7519 §7.2")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_changed_token_is_invalid(make_key, make_access_token, get_token, settings, algorithm):
    """The signature covers the header and the claims."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    key = make_key(scopes=["orders:read"])
    token = make_access_token(key, scope="orders:read")
    header, _, signature = token.split(".")
    wider = b64(json.dumps({**claims_of(token), "scope": "keys:manage"}).encode())

    assert get_token(token).status_code == 200
    assert_token_error(get_token(f"{header}.{wider}.{signature}"), "token_invalid")


# The header


@pytest.mark.clause("RFC 7519 §5.1", "RFC 7515 §4.1.1", "RFC 7515 §4.1.9")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_header_has_algorithm_and_type(make_key, make_access_token, settings, algorithm):
    """A token names its algorithm, and its type in upper case."""
    key = make_key()
    assert header_of(make_access_token(key)) == {"alg": "HS256", "typ": "JWT"}

    settings.TOT_JWT = key_pair_settings(algorithm)

    header = header_of(make_access_token(key))
    assert (header["alg"], header["typ"], set(header)) == (algorithm, "JWT", {"alg", "kid", "typ"})


@pytest.mark.clause("RFC 7515 §4", "RFC 7515 §10.12")
def test_repeated_header_member_is_rejected(make_key, get_token):
    """The names in a header are unique. The first or last of two does not win."""
    claims = claims_for(make_key())

    assert get_token(sign(claims, b'{"alg":"HS256","typ":"JWT"}')).status_code == 200
    for header in (
        b'{"alg":"none","alg":"HS256","typ":"JWT"}',
        b'{"alg":"HS256","alg":"none","typ":"JWT"}',
        b'{"alg":"HS256","typ":"JWT","typ":"JWT"}',
    ):
        assert_token_error(get_token(sign(claims, header)), "token_invalid")


@pytest.mark.clause("RFC 7515 §4.1.11")
@pytest.mark.parametrize("critical", [["exp"], ["b64"], ["unknown"], []])
def test_critical_extension_is_rejected(make_key, get_token, critical):
    """A server rejects a token with a critical extension that it does not know."""
    claims = claims_for(make_key())

    assert get_token(sign(claims)).status_code == 200
    assert_token_error(get_token(sign(claims, {**HEADER, "crit": critical})), "token_invalid")


# The claims


@pytest.mark.clause("RFC 7519 §4", "RFC 7515 §10.12")
@pytest.mark.parametrize("repeated", ['"scope":"keys:manage"', '"sub":"pk_live_x"', '"a":1'])
def test_repeated_claim_is_rejected(make_key, get_token, repeated):
    """The names of claims are unique."""
    key = make_key()
    assert get_token(with_raw_claims(key, ',"a":1')).status_code == 200

    assert_token_error(get_token(with_raw_claims(key, f',"a":1,{repeated}')), "token_invalid")


@pytest.mark.clause("RFC 7519 §4", "RFC 7519 §4.2")
def test_unknown_claims_are_ignored(make_key, get_token):
    """A server ignores claims that it does not know."""
    claims = claims_for(make_key(), **{"https://example.com/plan": "gold"})

    assert get_token(sign(claims)).status_code == 200


@pytest.mark.clause("RFC 7519 §7.2")
@pytest.mark.parametrize("claims", [b"[]", b'"text"', b"1", b"null", b"{", b"{}x", b"\xff"])
def test_claims_are_a_json_object(make_key, get_token, claims):
    """The claims are a JSON object in UTF-8."""
    assert get_token(sign(claims_for(make_key()))).status_code == 200

    assert_token_error(get_token(sign(claims)), "token_invalid")


@pytest.mark.clause("RFC 7519 §4.1.1", "RFC 7519 §7.3")
@pytest.mark.parametrize("issuer", ["TOT-JWT", "tot-jwt ", "tot-jwt/", "", ["tot-jwt"], None])
def test_other_issuer_is_invalid(make_key, get_token, issuer):
    """Issuers are compared character by character. Their case matters."""
    key = make_key()

    assert get_token(sign(claims_for(key, iss="tot-jwt"))).status_code == 200
    assert_token_error(get_token(sign(claims_for(key, iss=issuer))), "token_invalid")


@pytest.mark.clause("RFC 7519 §4.1.2")
def test_subject_is_the_client(make_key, make_access_token):
    """The subject identifies the client, uniquely at its issuer."""
    one, other = make_key(), make_key()

    subjects = [claims_of(make_access_token(key))["sub"] for key in (one, other)]

    assert subjects == [one.public_key, other.public_key]


@pytest.mark.clause("RFC 7519 §4.1.3")
@pytest.mark.parametrize("audience", ["other", "TOT-JWT-API", "", [], ["other"], None])
def test_other_audience_is_invalid(make_key, get_token, audience):
    """A server rejects a token that is not for it."""
    key = make_key()

    assert get_token(sign(claims_for(key, aud="tot-jwt-api"))).status_code == 200
    assert_token_error(get_token(sign(claims_for(key, aud=audience))), "token_invalid")


@pytest.mark.clause("RFC 7519 §4.1.4")
def test_token_ends_at_expiry(make_key, make_access_token, get_token, pass_time):
    """A token is rejected at its expiry and later."""
    token = make_access_token(make_key())

    pass_time(899)
    assert get_token(token).status_code == 200
    pass_time(1)
    assert_token_error(get_token(token), "token_expired")


@pytest.mark.clause("RFC 7519 §4.1.5")
def test_token_does_not_begin_early(make_key, get_token):
    """A token is rejected before its `nbf`, which another holder of the key may write."""
    key = make_key()
    now = int(time.time())

    assert get_token(sign(claims_for(key, nbf=now - 60))).status_code == 200
    assert_token_error(get_token(sign(claims_for(key, nbf=now + 3600))), "token_invalid")


@pytest.mark.clause("RFC 7519 §2", "RFC 7519 §4.1.4", "RFC 7519 §4.1.6")
def test_times_are_seconds(make_key, make_access_token, pass_time):
    """The times are numbers of seconds since 1970, in UTC."""
    claims = claims_of(make_access_token(make_key()))

    assert (claims["iat"], claims["exp"]) == (int(time.time()), int(time.time()) + 900)


@pytest.mark.clause("RFC 7519 §2")
@pytest.mark.parametrize("moment", ["1893456000", "2030-01-01T00:00:00Z", True, None, [], {}])
def test_time_as_text_is_invalid(make_key, get_token, moment):
    """A time of another type is rejected."""
    key = make_key()
    valid = claims_for(key)

    assert get_token(sign(valid)).status_code == 200
    for name in ("iat", "exp"):
        assert_token_error(get_token(sign({**valid, name: moment})), "token_invalid")


@pytest.mark.clause("RFC 7519 §4.1.7")
def test_token_ids_are_unique(make_key, make_access_token):
    """Two tokens never have the same id, also of one client in one second."""
    key = make_key()

    ids = {claims_of(make_access_token(key))["jti"] for _ in range(20)}

    assert len(ids) == 20
