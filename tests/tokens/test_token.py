"""GET token, and what a token must be: contract §2 and §3."""

import copy
import hashlib
import hmac
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given, settings, strategies
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken

from tests.support.factories import erase
from tests.support.tokens import DIGESTS, HEADER, b64, claims_for, claims_of, our_key, sign, unb64
from tot_jwt.exceptions import ExpiredToken, InvalidToken, MalformedToken
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.tokens.backend import TokenBackend, backend
from tot_jwt.tokens.ring import KeyRing, RingKey
from tot_jwt.tokens.token import ApiToken

NOON = datetime(2025, 10, 29, 18, 23, 22, tzinfo=UTC)


def refused(answer, code, detail):
    assert (answer.status_code, answer.json()) == (401, {"detail": detail, "code": code})
    challenge = f'Bearer realm="api", error="invalid_token", error_description="{detail}"'
    assert answer.headers["WWW-Authenticate"] == challenge
    return True


def malformed(answer):
    return refused(answer, "token_malformed", "Token is malformed")


def invalid(answer):
    return refused(answer, "token_invalid", "Token is invalid")


def expired(answer):
    return refused(answer, "token_expired", "Token has expired")


def revoked(answer):
    return refused(answer, "token_revoked", "Token has been revoked")


# The answer


@time_machine.travel(NOON, tick=False)
def test_good_token_is_verified(make_key, make_token, get_token):
    answer = get_token(make_token(make_key(app_domain__domain="myapp.com")))

    assert answer.status_code == 200
    assert answer.json() == {
        "valid": True,
        "appDomain": "myapp.com",
        "issuedAt": "2025-10-29T18:23:22.000Z",
        "expiresAt": "2025-10-29T18:38:22.000Z",
    }


def test_forged_control_is_accepted(make_key, get_token):
    """What the tests below change is good as it stands."""
    assert get_token(sign(claims_for(make_key()))).status_code == 200


def test_head_is_get_without_a_body(make_key, make_token, client):
    answer = client.head(
        "/api/internal/auth/token", headers={"Authorization": f"Bearer {make_token(make_key())}"}
    )

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.req("C2")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_scheme_is_accepted_in_any_case(make_key, make_token, client, scheme):
    answer = client.get(
        "/api/internal/auth/token", headers={"Authorization": f"{scheme} {make_token(make_key())}"}
    )

    assert answer.status_code == 200


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    "header",
    [None, "", "Basic abc", "Token a.b.c", "Bearer\x0ba.b.c", "Bearer\ta.b.c", " Bearer a.b.c"],
)
def test_no_bearer_is_not_authenticated(db, client, header):
    answer = client.get(
        "/api/internal/auth/token", headers={"Authorization": header} if header is not None else {}
    )

    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
    }
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_realm_setting_stands_in_the_challenge(db, client, settings):
    settings.TOT_JWT = {"REALM": 'the "best" \\ api'}

    answer = client.get("/api/internal/auth/token")

    assert answer.headers["WWW-Authenticate"] == r'Bearer realm="the \"best\" \\ api"'


@pytest.mark.req("C2")
@pytest.mark.parametrize("header", ["Tot-Api-Key", "Tot-Secret-Key", "Tot-App-Domain"])
def test_api_keys_beside_a_bearer_are_malformed(make_key, make_token, client, header):
    headers = {"Authorization": f"Bearer {make_token(make_key())}", header: "x"}

    answer = client.get("/api/internal/auth/token", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


# The envelope


@pytest.mark.req("A7")
@pytest.mark.parametrize(
    "bend",
    [
        lambda token: "",
        lambda token: " ",
        lambda token: " " + token,
        lambda token: token + " ",
        lambda token: token.replace(".", ". "),
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: token + "\t",
        lambda token: f'"{token}"',
        lambda token: token + ".",
        lambda token: token + ".a",
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: "." + token.partition(".")[2],
        lambda token: "..",
        lambda token: token.replace(".", ",", 1),
        lambda token: token + "+/",
        lambda token: token + "é",
        lambda token: "opaque",
        lambda token: token + "a" * (4097 - len(token)),
        lambda token: token + "a" * (5 - len(token.rpartition(".")[2]) % 4),
        lambda token: token.replace("e", "е", 1).encode().decode("latin-1"),
    ],
)
def test_what_is_no_three_parts_of_base64url_is_malformed(make_key, make_token, get_token, bend):
    assert malformed(get_token(bend(make_token(make_key()))))


@pytest.mark.req("A7")
def test_longest_envelope_is_looked_into(make_key, get_token):
    token = sign(claims_for(make_key(), jti="a" * 2790))
    assert 4050 < len(token) <= 4096

    assert get_token(token).status_code == 200


# Signature and header


@pytest.mark.req("A4")
@pytest.mark.parametrize(
    "alg",
    [
        "none",
        "None",
        "NONE",
        "nOnE",
        "hs256",
        "HS384",
        "HS512",
        "RS256",
        "ES256",
        "",
        None,
        [],
        ["HS256"],
        1,
        {},
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_algorithm_is_pinned(make_key, get_token, alg, signed):
    digest = DIGESTS.get(alg if isinstance(alg, str) else "", DIGESTS["HS256"])
    token = sign(claims_for(make_key()), {**HEADER, "alg": alg}, digest=digest)

    assert (invalid if signed else malformed)(
        get_token(token if signed else token.rpartition(".")[0] + ".")
    )


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
        {**HEADER, "typ": "at+jwt"},
        [],
        None,
        b"",
        b"\xff",
    ],
)
def test_header_is_ours_to_the_letter(make_key, get_token, header):
    answer = get_token(sign(claims_for(make_key()), header))

    assert malformed(answer) if header == b"" else invalid(answer)


@pytest.mark.parametrize("key", [b"", b"another key of at least 32 bytes..", b"\0" * 32])
def test_signature_of_another_key_is_invalid(make_key, get_token, key):
    assert invalid(get_token(sign(claims_for(make_key()), key=key)))


def test_parts_of_two_tokens_make_none(make_key, make_token, get_token):
    one, other = make_token(make_key()).split("."), make_token(make_key()).split(".")

    assert invalid(get_token(".".join([one[0], one[1], other[2]])))
    assert invalid(get_token(".".join([one[0], other[1], one[2]])))


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=strategies.data())
def test_token_with_any_bit_flipped_is_refused(make_key, get_token, data):
    token = sign(claims_for(ApiKey.objects.first() or make_key()))
    part = data.draw(strategies.integers(0, 2))
    parts = [bytearray(unb64(part)) for part in token.split(".")]
    bit = data.draw(strategies.integers(0, len(parts[part]) * 8 - 1))
    parts[part][bit // 8] ^= 1 << bit % 8

    assert get_token(".".join(b64(bytes(part)) for part in parts)).json()["code"] == "token_invalid"


@pytest.mark.req("A7")
def test_second_spelling_of_a_signature_is_refused(make_key, get_token):
    """The last character of 43 carries two bits that decoding drops."""
    token = sign(claims_for(make_key()))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    assert unb64(twin.split(".")[2]) == unb64(token.split(".")[2])

    assert invalid(get_token(twin))


# Claims


CLAIMS = [
    "iss",
    "aud",
    "sub",
    "appDomain",
    "env",
    "scope",
    "ver",
    "token_type",
    "iat",
    "exp",
    "jti",
]
NO_TEXT: list[object] = [None, 1, True, [], ["a"], {}, 1.5]
NO_NUMBER: list[object] = [None, "1", True, False, 1.0, [], {}, -1]


@pytest.mark.req("A8")
@pytest.mark.parametrize("claim", CLAIMS)
def test_claim_missing_is_invalid(make_key, get_token, claim):
    claims = claims_for(make_key())
    del claims[claim]

    assert invalid(get_token(sign(claims)))


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *[
            (claim, value)
            for claim in CLAIMS
            if claim not in ("ver", "iat", "exp")
            for value in NO_TEXT
        ],
        *[(claim, value) for claim in ("iat", "exp") for value in NO_NUMBER],
        *[("ver", value) for value in NO_NUMBER[:-1]],
        ("exp", 10**30),
        ("exp", 253_402_300_800),
        ("iat", 10**30),
        ("iss", "tot-jwt2"),
        ("iss", "tot-jw"),
        ("iss", "TOT-JWT"),
        ("iss", ["tot-jwt"]),
        ("aud", "tot-jwt-api2"),
        ("aud", "t"),
        ("aud", ["tot-jwt-api"]),
        ("aud", ""),
        ("token_type", "access"),
        ("token_type", "TOT_API"),
        ("env", "test"),
        ("env", "LIVE"),
        ("appDomain", "other.example.com"),
        ("nbf", 4_000_000_000),
        ("nbf", "soon"),
    ],
)
def test_claim_of_another_type_or_value_is_invalid(make_key, get_token, claim, value):
    assert invalid(get_token(sign(claims_for(make_key(), **{claim: value}))))


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[]",
        b"null",
        b"text",
        b'"a"',
        b"\xff\xff",
        b"[" * 2000,
        b'{"exp": ' + b"9" * 2000 + b"}",
        b'{"a":NaN}',
    ],
)
def test_signed_payload_that_holds_no_claims_is_invalid(db, get_token, payload):
    assert invalid(get_token(sign(payload)))


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "twice", [b'"scope":"a","scope":""', b'"sub":"x","sub":"y"', b'"x":{"a":1,"a":2}']
)
def test_claim_given_twice_is_invalid(make_key, get_token, twice):
    good = json.dumps(claims_for(make_key())).encode()

    assert invalid(get_token(sign(good[:-1] + b"," + twice + b"}")))


@pytest.mark.req("A10")
@pytest.mark.parametrize(("ahead", "good"), [(0, True), (10, True), (11, False), (60, False)])
def test_issuers_clock_may_be_ten_seconds_ahead(make_key, get_token, ahead, good):
    with time_machine.travel(NOON, tick=False):
        key = make_key()
        iat = int(NOON.timestamp()) + ahead
        answer = get_token(sign(claims_for(key, iat=iat, exp=iat + 900)))

        assert answer.status_code == 200 if good else invalid(answer)


@pytest.mark.req("A10")
def test_token_is_refused_from_the_second_of_its_expiry(make_key, make_token, get_token):
    with time_machine.travel(NOON, tick=False):
        token = make_token(make_key())
    with time_machine.travel(NOON + timedelta(seconds=899.9), tick=False):
        assert get_token(token).status_code == 200
    with time_machine.travel(NOON + timedelta(seconds=900), tick=False):
        assert expired(get_token(token))


def test_expired_token_of_a_revoked_key_has_expired(make_key, get_token):
    assert expired(get_token(sign(claims_for(make_key(revoked_at=NOON), iat=1, exp=2))))


def test_expired_token_with_a_wrong_claim_is_invalid(make_key, get_token):
    assert invalid(get_token(sign(claims_for(make_key(), iat=1, exp=2, aud="x"))))


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    ("iat", "exp", "good"),
    [
        (0, 253_402_300_799, True),
        (-1, 253_402_300_799, False),
        (0, 253_402_300_800, False),
        (1_700_000_000, 1_700_000_000, False),
        (1_700_000_001, 1_700_000_000, False),
    ],
)
def test_times_of_a_token_are_in_order_and_in_the_calendar(make_key, get_token, iat, exp, good):
    answer = get_token(sign(claims_for(make_key(), iat=iat, exp=exp)))

    assert answer.status_code == 200 if good else invalid(answer)


# The live state


@pytest.mark.req("A11")
@pytest.mark.parametrize(
    "end",
    [
        lifecycle.revoke_key,
        lifecycle.disable_key,
        lambda key: suspend_domain(key.app_domain),
        erase,
        lambda key: set_and_save(key, expires_at=NOON),
        lambda key: set_and_save(key, generation=2),
        lambda key: set_and_save(key, generation=0),
    ],
)
def test_end_of_the_key_is_the_end_of_its_tokens_at_once(make_key, make_token, get_token, end):
    key = make_key()
    token = make_token(key)
    assert get_token(token).status_code == 200

    end(key)

    assert revoked(get_token(token))
    assert revoked(get_token(token))


def set_and_save(key, **values):
    for name, value in values.items():
        setattr(key, name, value)
    key.save()


@pytest.mark.req("A11")
def test_token_works_again_when_its_key_does(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    lifecycle.disable_key(key)
    assert revoked(get_token(token))

    lifecycle.enable_key(key)

    assert get_token(token).status_code == 200


def test_token_of_an_address_outside_the_allow_list_is_forbidden(make_key, make_token, get_token):
    key = make_key()
    token = make_token(key)
    set_and_save(key, allowed_ips="192.0.2.0/24")

    answer = get_token(token)

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_permissions")


# Keys


def test_tokens_outlive_a_change_of_secret_key_through_its_fallbacks(
    make_key, make_token, get_token, settings
):
    token = make_token(make_key())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8
    assert invalid(get_token(token))

    settings.SECRET_KEY_FALLBACKS = [old]

    assert get_token(token).status_code == 200


@pytest.mark.parametrize("key", ["ä" * 16, b"k" * 32, "-" * 100])
def test_signing_key_of_the_settings_is_used_as_it_stands(
    make_key, make_token, get_token, settings, key
):
    settings.TOT_JWT = {"SIGNING_KEY": key}
    token = make_token(make_key())

    jwt.decode(token, key, algorithms=["HS256"], audience="tot-jwt-api")
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    assert invalid(get_token(token))
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32, "VERIFYING_KEYS": ["x" * 32, key]}
    assert get_token(token).status_code == 200


def test_with_a_signing_key_secret_key_verifies_nothing(make_key, make_token, get_token, settings):
    token = make_token(make_key())
    settings.TOT_JWT = {"SIGNING_KEY": "n" * 32}
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]

    assert invalid(get_token(token))


@pytest.mark.req("A5")
@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_short_key_is_refused_at_use(make_key, post_token, get_token, settings, algorithm, least):
    key = make_key()
    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * least}
    token = post_token(key).json()["token"]
    assert get_token(token).status_code == 200

    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * (least - 1)}
    with pytest.raises(ImproperlyConfigured):
        post_token(key)
    with pytest.raises(ImproperlyConfigured):
        get_token(token)


def test_derived_key_is_the_same_in_every_release(settings):
    settings.SECRET_KEY = "k" * 50

    purpose = hashlib.sha256(b"tot_jwt.signing" + b"k" * 50).digest()
    assert our_key() == hmac.digest(purpose, b"HS256", "sha256")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithm_derives_a_key_of_its_length(
    make_key, make_token, get_token, settings, algorithm
):
    settings.TOT_JWT = {"ALGORITHM": algorithm}
    token = make_token(make_key())

    assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "JWT"}
    assert get_token(token).status_code == 200
    assert len(our_key()) == DIGESTS[algorithm]().digest_size


def test_algorithm_that_is_none_of_ours_is_refused_at_use(make_key, post_token, settings):
    settings.TOT_JWT = {"ALGORITHM": "none"}

    with pytest.raises(ImproperlyConfigured, match="HS256"):
        post_token(make_key())


@pytest.mark.req("A9")
def test_kid_selects_from_the_ring_and_nothing_else():
    one, other = (RingKey("HS256", kid.encode() * 32, kid=kid) for kid in "ab")
    ring = TokenBackend(KeyRing(one, [other]), issuer="i", audience="a")
    payload = {"iss": "i", "aud": "a"}
    token = ring.encode(payload)

    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "a", "typ": "JWT"}
    assert ring.decode(token) == payload
    assert (
        ring.decode(sign(payload, {"alg": "HS256", "kid": "b", "typ": "JWT"}, key=other.secret))
        == payload
    )
    for header in (
        {"alg": "HS256", "kid": "b", "typ": "JWT"},
        HEADER,
        {"alg": "HS256", "kid": "c", "typ": "JWT"},
    ):
        with pytest.raises(InvalidToken):
            ring.decode(sign(payload, header, key=one.secret))


# The token class


@pytest.mark.req("A12")
def test_token_cannot_be_changed_or_encoded_again(make_key, make_token):
    token = ApiToken(make_token(make_key()))

    for change in (
        lambda: token.__setitem__("exp", 1),
        lambda: token.__delitem__("exp"),
        token.set_exp,
        token.set_iat,
        token.set_jti,
        lambda: token.payload.update(exp=1),
        lambda: setattr(token, "payload", {}),
        lambda: delattr(token, "payload"),
        lambda: setattr(token, "scopes", frozenset()),
        lambda: ApiToken.for_user(None),
        lambda: copy.deepcopy(token).__setitem__("exp", 1),
        lambda: pickle.dumps(token),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert "." not in str(token)


@pytest.mark.req("A12")
def test_token_shows_neither_itself_nor_its_claims(make_key, make_token):
    key = make_key()
    raw = make_token(key)
    token = ApiToken(raw)

    for shown in (str(token), repr(token), f"{token}"):
        assert token["jti"] in shown
        assert raw not in shown
        assert key.public_key not in shown


def test_token_is_simplejwts_to_look_at(make_key, make_token):
    raw = make_token(make_key())
    token = ApiToken(raw)

    assert token["token_type"] == "tot_api"
    assert token.get("exp") == claims_of(raw)["exp"]
    assert "jti" in token
    assert token.lifetime == timedelta(minutes=15)
    assert token.get_token_backend() is backend()
    token.verify()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)), pytest.raises(ExpiredToken):
        token.verify()


def test_token_is_never_read_unverified(make_key, make_token):
    with pytest.raises(InvalidToken):
        ApiToken(make_token(make_key()), verify=False)
    with pytest.raises(MalformedToken):
        ApiToken("")


# simplejwt's tokens and ours


@pytest.mark.req("A1")
@pytest.mark.parametrize("kind", [AccessToken, RefreshToken, SlidingToken])
@pytest.mark.parametrize("shared_key", [False, True])
def test_token_of_simplejwt_is_refused_here(make_user, get_token, kind, shared_key, settings):
    if shared_key:
        settings.TOT_JWT = {"SIGNING_KEY": settings.SECRET_KEY}

    assert invalid(get_token(str(kind.for_user(make_user()))))


@pytest.mark.req("A1")
@pytest.mark.parametrize("url", ["/simplejwt", "/simplejwt-stateless"])
@pytest.mark.parametrize("shared_key", [False, True])
def test_our_token_is_refused_by_simplejwt(make_key, make_token, client, url, shared_key, settings):
    if shared_key:
        settings.TOT_JWT = {"SIGNING_KEY": settings.SECRET_KEY}

    answer = client.get(url, headers={"Authorization": f"Bearer {make_token(make_key())}"})

    assert answer.status_code == 401


@pytest.mark.req("A1")
def test_no_claim_of_ours_is_named_as_simplejwts(make_key, make_token):
    names = claims_of(make_token(make_key())).keys()

    assert not [name for name in names if name == "user_id" or name.startswith("is_")]
    with pytest.raises(TokenError):
        AccessToken(make_token(make_key()))


HOSTILE = [
    {"TOKEN_TYPE_CLAIM": None},
    {"JTI_CLAIM": None},
    {"TOKEN_TYPE_CLAIM": None, "JTI_CLAIM": None},
    {"LEEWAY": 10_000_000},
    {"ALGORITHM": "HS512"},
    {"AUDIENCE": "x", "ISSUER": "y"},
    {"SIGNING_KEY": "s" * 32, "VERIFYING_KEY": "v" * 32},
    {"TOKEN_TYPE_CLAIM": "kind", "JTI_CLAIM": "id"},
]


@pytest.mark.req("A2")
@pytest.mark.parametrize("simple_jwt", HOSTILE, ids=str)
def test_no_setting_of_simplejwt_weakens_a_check(simple_jwt):
    """In a process of its own each: simplejwt freezes its settings when it is imported."""
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::DeprecationWarning",
            "-m",
            "tests.support.process_simple_jwt",
            json.dumps(simple_jwt),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == [
        "good:200",
        *[
            f"{name}:401"
            for name in (*CLAIMS, "expired", "type", "alg", "audience", "issuer", "key")
        ],
    ]
