"""The header and the signature of a token."""

import pytest
from hypothesis import given, strategies

from tests.support.draws import draws
from tests.support.token_errors import assert_token_error
from tests.support.tokens import ALPHABET, DIGESTS, HEADER, b64, claims_for, sign, unb64
from tot_jwt.models import ApiKey

# The header

ALGORITHMS = ["none", "None", "NONE", "nOnE", "hs256", "HS384", "HS512", "RS256", "ES256", ""]
NOT_ALGORITHMS: list[object] = [None, [], ["HS256"], 1, {}]


@pytest.mark.req("A4")
@pytest.mark.parametrize("alg", [*ALGORITHMS, *NOT_ALGORITHMS])
def test_other_algorithm_is_rejected(make_key, get_token, alg):
    digest = DIGESTS.get(alg if isinstance(alg, str) else "", DIGESTS["HS256"])
    token = sign(claims_for(make_key()), {**HEADER, "alg": alg}, digest=digest)

    assert_token_error(get_token(token), "token_invalid")
    assert_token_error(get_token(token.rpartition(".")[0] + "."), "token_malformed")


@pytest.mark.req("A4", "A8", "A9")
@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"alg": "HS256"},
        {"typ": "JWT", "alg": "HS256"},
        b'{"alg":"HS256","typ":"JWT"} ',
        b'{"alg":"none","alg":"HS256","typ":"JWT"}',
        {**HEADER, "kid": "1"},
        {**HEADER, "kid": "../../dev/null"},
        {**HEADER, "jku": "https://evil.example.com/jwks"},
        {**HEADER, "jwk": {"kty": "oct", "k": "AAAA"}},
        {**HEADER, "x5u": "https://evil.example.com"},
        {**HEADER, "crit": ["b64"], "b64": False},
        {**HEADER, "b64": True},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "typ": "AT+JWT"},
        {**HEADER, "typ": "application/at+jwt"},
        {**HEADER, "typ": "jwt"},
        [],
        None,
        b"\xff",
    ],
)
def test_any_other_header_is_invalid(make_key, get_token, header):
    assert_token_error(get_token(sign(claims_for(make_key()), header)), "token_invalid")


def test_empty_header_is_malformed(make_key, get_token):
    assert_token_error(get_token(sign(claims_for(make_key()), b"")), "token_malformed")


# The signature


@pytest.mark.parametrize("key", [b"", b"another key of at least 32 bytes..", b"\0" * 32])
def test_signature_of_another_key_is_invalid(make_key, get_token, key):
    assert_token_error(get_token(sign(claims_for(make_key()), key=key)), "token_invalid")


def test_parts_of_two_tokens_are_invalid(make_key, make_token, get_token):
    one, other = make_token(make_key()).split("."), make_token(make_key()).split(".")

    for parts in ([one[0], one[1], other[2]], [one[0], other[1], one[2]]):
        assert_token_error(get_token(".".join(parts)), "token_invalid")


@draws(200)
@given(data=strategies.data())
def test_token_with_flipped_bit_is_invalid(make_key, get_token, data):
    token = sign(claims_for(ApiKey.objects.first() or make_key()))
    part = data.draw(strategies.integers(0, 2))
    parts = [bytearray(unb64(part)) for part in token.split(".")]
    bit = data.draw(strategies.integers(0, len(parts[part]) * 8 - 1))
    parts[part][bit // 8] ^= 1 << bit % 8

    assert_token_error(get_token(".".join(b64(bytes(part)) for part in parts)), "token_invalid")


@pytest.mark.req("A7")
def test_signature_in_other_spelling_is_invalid(make_key, get_token):
    """The last of the 43 characters has two bits that decoding ignores."""
    token = sign(claims_for(make_key()))
    twin = token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1]
    assert unb64(twin.split(".")[2]) == unb64(token.split(".")[2])

    assert_token_error(get_token(twin), "token_invalid")
