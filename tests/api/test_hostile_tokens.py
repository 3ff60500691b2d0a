"""Invalid Authorization headers, tokens in other places, and invalid claims."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from tests.support.hostile import (
    ANONYMOUS,
    NOT_AUTHENTICATED,
    TOKEN_INVALID,
    TOKEN_MALFORMED,
    TOKEN_REVOKED,
    refused,
    refused_by_us,
    rows,
    send,
)
from tests.support.hostile_spellings import DOMAIN, FULLWIDTH
from tests.support.keys_client import KEYS_URL
from tests.support.requests import FORM
from tests.support.tokens import claims_for, sign

pytestmark = pytest.mark.usefixtures("unlimited")

BEARERS = {
    "nothing": (lambda good: "Bearer", TOKEN_MALFORMED),
    "a space": (lambda good: "Bearer ", TOKEN_MALFORMED),
    "two spaces": (lambda good: f"Bearer  {good.token}", TOKEN_MALFORMED),
    "tab": (lambda good: f"Bearer\t{good.token}", NOT_AUTHENTICATED),
    "vertical tab": (lambda good: f"Bearer\x0b{good.token}", NOT_AUTHENTICATED),
    "no-break space": (lambda good: f"Bearer\xa0{good.token}", NOT_AUTHENTICATED),
    "colon": (lambda good: f"Bearer: {good.token}", NOT_AUTHENTICATED),
    "equals sign": (lambda good: f"Bearer={good.token}", NOT_AUTHENTICATED),
    "no scheme": (lambda good: good.token, NOT_AUTHENTICATED),
    "scheme twice": (lambda good: f"Bearer Bearer {good.token}", TOKEN_MALFORMED),
    "scheme JWT": (lambda good: f"JWT {good.token}", NOT_AUTHENTICATED),
    "scheme in full width": (
        lambda good: f"{'Bearer'.translate(FULLWIDTH).encode().decode('latin-1')} {good.token}",
        NOT_AUTHENTICATED,
    ),
    "Basic": (
        lambda good: f"Basic {b64encode(f'{good.public_key}:{good.secret}'.encode()).decode()}",
        NOT_AUTHENTICATED,
    ),
    "the secret": (lambda good: f"Bearer {good.secret}", TOKEN_MALFORMED),
    "NUL at the end": (lambda good: f"Bearer {good.token}\0", TOKEN_MALFORMED),
    "newline after it": (lambda good: f"Bearer {good.token}\n", TOKEN_MALFORMED),
    "space at the end": (lambda good: f"Bearer {good.token} ", TOKEN_MALFORMED),
    "parameter": (lambda good: f"Bearer {good.token}; realm=api", TOKEN_MALFORMED),
    "parameter with a name": (lambda good: f'Bearer token="{good.token}"', TOKEN_MALFORMED),
    "two tokens": (lambda good: f"Bearer {good.token}, Bearer {good.token}", TOKEN_MALFORMED),
    "two headers": (lambda good: f"Bearer {good.token},Basic zebra7", TOKEN_MALFORMED),
    "quotes": (lambda good: f'Bearer "{good.token}"', TOKEN_MALFORMED),
    "padding": (lambda good: f"Bearer {good.token}=", TOKEN_MALFORMED),
    "padding within": (lambda good: f"Bearer {good.token.replace('.', '=.')}", TOKEN_MALFORMED),
    "alphabet of other Base64": (lambda good: f"Bearer {good.token[:-2]}+/", TOKEN_MALFORMED),
    "escaped": (lambda good: f"Bearer {good.token.replace('.', '%2E')}", TOKEN_MALFORMED),
    "non-ASCII full stop": (
        lambda good: f"Bearer {good.token.replace('.', chr(0xB7))}",
        TOKEN_MALFORMED,
    ),
    "non-ASCII digits": (lambda good: f"Bearer {good.token[:-1]}\xb2", TOKEN_MALFORMED),
    "two parts": (lambda good: f"Bearer {good.token.rpartition('.')[0]}", TOKEN_MALFORMED),
    "four parts": (lambda good: f"Bearer {good.token}.e30", TOKEN_MALFORMED),
    "five parts": (lambda good: f"Bearer {good.token}.e30.e30", TOKEN_MALFORMED),
    "empty parts": (lambda good: "Bearer ..", TOKEN_MALFORMED),
    "no header": (lambda good: f"Bearer .{good.token.partition('.')[2]}", TOKEN_MALFORMED),
    "no signature": (lambda good: f"Bearer {good.token.rpartition('.')[0]}.", TOKEN_MALFORMED),
    "impossible length": (lambda good: f"Bearer {good.token}AA", TOKEN_MALFORMED),
    "JSON of a signature": (
        lambda good: f"Bearer {json.dumps({'payload': good.token})}",
        TOKEN_MALFORMED,
    ),
    "4,096 bytes": (lambda good: f"Bearer {good.token:A<4096}", TOKEN_INVALID),
    "4,097 bytes": (lambda good: f"Bearer {good.token:A<4097}", TOKEN_MALFORMED),
    "a megabyte": (lambda good: f"Bearer {good.token:A<1000000}", TOKEN_MALFORMED),
    "a megabyte of full stops": (lambda good: "Bearer " + "." * 1_000_000, TOKEN_MALFORMED),
    "parts in another order": (
        lambda good: f"Bearer {'.'.join(reversed(good.token.split('.')))}",
        TOKEN_INVALID,
    ),
    "letters in another case": (lambda good: f"Bearer {good.token.swapcase()}", TOKEN_INVALID),
}


@pytest.mark.req("A7", "C2", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(BEARERS))
def test_hostile_bearer_is_rejected(good, bend, expected):
    headers = {"Authorization": bend(good)}

    assert refused_by_us(send(headers=headers), expected, good)
    assert refused_by_us(send(path=KEYS_URL, headers=headers), expected, good)
    assert send(path="/me", headers=headers).status_code == 401


ELSEWHERE = {
    "query": lambda good: {
        "QUERY_STRING": urlencode({"access_token": good.token, "token": good.token})
    },
    "cookie": lambda good: {"HTTP_COOKIE": f"access_token={good.token}; token={good.token}"},
    "header for proxies": lambda good: {"HTTP_PROXY_AUTHORIZATION": f"Bearer {good.token}"},
    "forwarded header": lambda good: {"HTTP_X_FORWARDED_AUTHORIZATION": f"Bearer {good.token}"},
    "other headers": lambda good: {"HTTP_X_AUTH_TOKEN": good.token, "HTTP_TOKEN": good.token},
    "body": lambda good: {"sent": f"access_token={good.token}".encode(), "content_type": FORM},
    "user set by the server": lambda good: {"REMOTE_USER": good.public_key, "AUTH_TYPE": "Bearer"},
    "empty header": lambda good: {
        "HTTP_AUTHORIZATION": "",
        "QUERY_STRING": f"access_token={good.token}",
    },
}


@pytest.mark.req("C2")
@pytest.mark.parametrize("bend", ELSEWHERE.values(), ids=ELSEWHERE)
def test_token_outside_header_is_ignored(good, bend):
    assert refused_by_us(send(**bend(good)), NOT_AUTHENTICATED, good)
    assert refused(send(path="/me", **bend(good)), ANONYMOUS, good)


#: Claims of the right type with impossible values, signed with the package's own key.
#: tests/tokens/test_token.py has the wrong types of each claim.
CLAIMS = {
    "sub with a NUL": ({"sub": "pk\0"}, TOKEN_INVALID),
    "sub with a surrogate": ({"sub": "pk\ud800"}, TOKEN_INVALID),
    "sub of 1,000 characters": ({"sub": "k" * 1000}, TOKEN_REVOKED),
    "sub in SQL": ({"sub": "' OR '1'='1"}, TOKEN_REVOKED),
    "jti with a NUL": ({"jti": "\0"}, TOKEN_INVALID),
    "jti with a surrogate": ({"jti": "\ud800"}, TOKEN_INVALID),
    "appDomain in upper case": ({"appDomain": DOMAIN.upper()}, TOKEN_INVALID),
    "appDomain with a surrogate": ({"appDomain": f"{DOMAIN}\ud800"}, TOKEN_INVALID),
    "appDomain with a NUL": ({"appDomain": f"{DOMAIN}\0"}, TOKEN_INVALID),
    "env of both": ({"env": "live test"}, TOKEN_INVALID),
    "env empty": ({"env": ""}, TOKEN_INVALID),
    "ver negative": ({"ver": -1}, TOKEN_REVOKED),
    "ver of 400 digits": ({"ver": 10**400}, TOKEN_REVOKED),
    "ver zero": ({"ver": 0}, TOKEN_REVOKED),
    "ver that is true": ({"ver": True}, TOKEN_INVALID),
    "ver as a fraction": ({"ver": 1.0}, TOKEN_INVALID),
    "exp of 4,000 digits": ({"exp": 10**2500}, TOKEN_INVALID),
    "exp negative": ({"exp": -1}, TOKEN_INVALID),
    "exp before iat": ({"iat": 10, "exp": 9}, TOKEN_INVALID),
    "exp when iat": ({"iat": 10, "exp": 10}, TOKEN_INVALID),
    "exp with an exponent": ({"exp": 4e9}, TOKEN_INVALID),
    "iat of the year 9999": ({"iat": 253_402_300_798, "exp": 253_402_300_799}, TOKEN_INVALID),
    "all null": (
        dict.fromkeys(("iss", "aud", "sub", "appDomain", "env", "scope", "ver")),
        TOKEN_INVALID,
    ),
}


@pytest.mark.req("A8")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("claims", "expected"), rows(CLAIMS))
def test_signed_impossible_claims_are_rejected(good, claims, expected):
    token = sign(claims_for(good.key, **{"scope": "keys:manage", **claims}))
    headers = {"Authorization": f"Bearer {token}"}

    assert refused_by_us(send(headers=headers), expected, good)
    assert refused_by_us(
        send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=headers), expected, good
    )
    assert send(path="/me", headers=headers).status_code == 401
