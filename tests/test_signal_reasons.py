"""The values of `reason` in the signals: a closed set of codes, and never what a client sent."""

import ast
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from django.utils import timezone
from rest_framework.views import APIView

import tot_jwt
from tests.support.keys_client import KeysClient, client_of
from tests.support.oauth import INTROSPECT, REVOKE, basic_of, post, raw_basic, token_of
from tests.support.receivers import received_from
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.tokens import CLAIMS, claims_for, sign
from tot_jwt.authentication import JWTAuthentication
from tot_jwt.signals import (
    REFUSAL_REASONS,
    REJECTION_REASONS,
    access_refused,
    exchange_rejected,
)

PACKAGE = Path(tot_jwt.__file__).parent
#: A zebra is what clients send.
ZEBRA = "zebra zebra\n\x00é"
DIRECT = "/me"

#: Reason → what the key has, and what the client sends, beside valid credentials.
CREDENTIALS = {
    "unknown_key": ({}, {"totApiKey": "pk_live_unknown"}),
    "wrong_secret": ({}, {"totSecretKey": "wrong"}),
    "wrong_domain": ({}, {"appDomain": "other.example"}),
    "revoked": ({"revoked_at": NOON}, {}),
    "disabled": ({"disabled_at": NOON}, {}),
    "expired": ({"expires_at": NOON}, {}),
    "domain_suspended": ({"app_domain__suspended_at": NOON}, {}),
    "environment_not_served": ({"environment": "test"}, {}),
    "address_not_allowed": ({"allowed_ips": ["192.0.2.0/24"]}, {}),
}
EXCHANGES = {
    **CREDENTIALS,
    "may_not_issue_tokens": ({"can_issue_tokens": False}, {}),
    "scope_not_held": ({}, {"scopes": "not:held"}),
}
#: Reason → the claims of a token, signed with our key.
CLAIMS_BY_REASON = {
    "token_expired": {"exp": 1_500_000_001, "iat": 1_500_000_000},
    "old_generation": {"ver": 7},
    "claims_of_another_key": {"env": "test"},
    "issued_in_future": {"iat": 4_000_000_000, "exp": 4_000_000_001},
}
TOKENS = ("token_malformed", "bad_signature", "token_revoked", "too_deep", *CLAIMS_BY_REASON)
OAUTH = (
    "no_authentication",
    "unsupported_authentication",
    "malformed_authentication",
    "insufficient_scope",
    "token_of_another_client",
)
CHANGES = (
    "scopes_exceed_caller",
    "expiry_exceeds_caller",
    "addresses_exceed_caller",
    "key_exceeds_caller",
    "key_not_yours",
    "secret_required",
    "key_creation_not_allowed",
    "may_not_issue_tokens",
)
#: The reasons for the claims of tokens that are signed with our key.
OF_CLAIMS = {"claim_times", *(f"claim_{name}" for name in CLAIMS)}


class RejectsUsers(JWTAuthentication):
    def get_user(self, client, auth):
        return None


class ForUsers(APIView):
    authentication_classes = [RejectsUsers]


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.TOT_JWT = {
        "EXCHANGE_FAILURE_RATES": {},
        "KEY_CHANGE_RATE": None,
        "ENVIRONMENTS": ["live"],
    }


@pytest.fixture
def refused():
    with received_from(access_refused) as sent:
        yield sent


@pytest.fixture
def make_created(make_key):
    """Return a function that creates a key inside another one."""

    def make(owner, **columns):
        return make_key(app_domain=owner.app_domain, created_by_key=owner, **columns)

    return make


def test_each_rejection_has_its_reason(make_key, client):
    assert tuple(EXCHANGES) == REJECTION_REASONS

    for reason, (columns, members) in EXCHANGES.items():
        key = make_key(**columns)
        with received_from(exchange_rejected) as sent:
            client.post(TOKEN_URL, body(key, **members), content_type=JSON)
        assert [each["reason"] for each in sent] == [reason]


def test_each_refused_key_has_its_reason(make_key, client):
    for reason, (columns, members) in CREDENTIALS.items():
        key = make_key(**columns)
        with received_from(access_refused) as sent:
            client.post(DIRECT, body(key, **members), content_type=JSON)
        assert [each["reason"] for each in sent] == [reason]


def test_each_refused_token_has_its_reason(make_key, make_token, client, refused):
    key = make_key()
    revoked = make_token(key)
    client.delete(TOKEN_URL, headers=bearer(revoked))
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    tokens = [
        "zebra zebra",
        sign(claims_for(key), key=b"another key" * 4),
        revoked,
        sign(claims_for(key, extra=deep)),
        *(sign(claims_for(key, **claims)) for claims in CLAIMS_BY_REASON.values()),
    ]

    for token in tokens:
        client.get(TOKEN_URL, headers=bearer(token))

    assert tuple(each["reason"] for each in refused) == TOKENS


def test_each_oauth_refusal_has_its_reason(make_key, client, refused):
    key = make_key()
    other = token_of(make_key())

    post(REVOKE)
    post(REVOKE, headers={"Authorization": f"Digest {ZEBRA!a}"})
    post(REVOKE, headers=raw_basic("zebra"))
    post(INTROSPECT, headers=basic_of(key))
    post(REVOKE, {"token": other}, basic_of(key))

    assert tuple(each["reason"] for each in refused) == OAUTH


def test_rejected_user_has_its_reason(make_key, make_token, rf, refused):
    request = rf.get("/", headers=bearer(make_token(make_key())))

    assert ForUsers.as_view()(request).status_code == 403
    assert [each["reason"] for each in refused] == ["no_user"]


def refused_changes(make_key, make_created):
    """Return requests to change keys, in the order of CHANGES."""
    soon = timezone.now() + timedelta(days=1)
    owner = make_key(scopes=["a"], expires_at=soon, allowed_ips=["127.0.0.0/8"])
    api = client_of(owner)
    wider = make_key(app_domain=owner.app_domain, scopes=["b"])
    other = make_key(app_domain=owner.app_domain, scopes=[])
    limited = make_key(scopes=[])
    api_of_limited = client_of(limited)
    limited.can_issue_tokens = False
    limited.save()
    return [
        lambda: api.create(scopes=["b"]),
        lambda: api.create(expiresAt=None),
        lambda: api.create(allowedIps=[]),
        lambda: api.change(wider, name="x"),
        lambda: api.change(other, name="x"),
        lambda: api.rotate(other),
        client_of(make_created(owner, scopes=[])).create,
        api_of_limited.create,
    ]


def test_each_refused_change_has_its_reason(make_key, make_created, refused):
    calls = refused_changes(make_key, make_created)

    assert {call().status_code for call in calls} == {403}
    assert tuple(each["reason"] for each in refused) == CHANGES


def test_refusal_reasons_are_all_tested():
    assert {*CREDENTIALS, *TOKENS, *OAUTH, "no_user", *CHANGES} == set(REFUSAL_REASONS)


def test_hostile_requests_add_no_reason(make_key, make_token, client):
    key = make_key()
    hostile = [ZEBRA, "zebra" * 500, '{"zebra": 1}', "", "../zebra", "\ud800zebra", "zebra:zebra"]
    wrong_claims = [
        {name: value} for name in CLAIMS for value in (None, "zebra", 7, ["zebra"], {"zebra": 1})
    ]
    tokens = [sign(claims_for(key, **claims)) for claims in wrong_claims]
    tokens += [sign(payload) for payload in (b"zebra", b"[]", b"{}", b'{"exp":1,"exp":2}')]
    tokens += [sign(claims_for(key), {"alg": "HS256", "typ": "zebra", "zebra": 1, "kid": "zebra"})]
    tokens += [sign(claims_for(key), {"alg": "zebra"}), "zebra.zebra.zebra", "zebra"]

    with received_from(access_refused) as refused, received_from(exchange_rejected) as rejected:
        for text in hostile:
            for name in body(key):
                sent = body(key, **{name: text})
                client.post(TOKEN_URL, sent, content_type=JSON)
                client.post(DIRECT, sent, content_type=JSON)
            escaped = text.encode("utf-8", "replace").decode("latin-1")
            post(REVOKE, {"client_id": escaped, "client_secret": escaped})
            post(REVOKE, headers={"Authorization": f"{escaped} {escaped}"})
        for token in tokens:
            client.get(TOKEN_URL, headers=bearer(token))
            KeysClient(token).list()

    names = {each.__name__ for each in subclasses(jwt.InvalidTokenError)}
    reasons_of_refused = {each["reason"] for each in refused}
    reasons_of_rejected = {each["reason"] for each in rejected}
    assert reasons_of_refused <= {*REFUSAL_REASONS, *names, *OF_CLAIMS}
    assert len(reasons_of_refused) > 10
    assert reasons_of_rejected == {"unknown_key", "wrong_secret", "wrong_domain"}


def subclasses(kind):
    """Return a class and all below it."""
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


# The source

SIGNALLED = {
    "InvalidCredentials",
    "InvalidToken",
    "MalformedToken",
    "ExpiredToken",
    "RevokedToken",
    "InsufficientPermissions",
}
#: Reasons that are not in the lists, as the source writes them.
OTHER_REASONS = {
    "status.value",  # of a key that is not usable
    "DOMAIN_SUSPENDED",
    "DOMAIN_SUSPENDED if is_suspended else status.value",
    "type(error).__name__",  # of an exception of PyJWT
    "f'claim_{name}'",  # of a claim that we require
    "'claim_token_type'",
    "'claim_client_id'",
    "'claim_jti'",
    "'claim_times'",
    "'unverified_decode'",  # only code can cause it
    # Permissions send no signal.
    "'not_for_clients'",
    "'not_listed'",
    "'environment_not_allowed'",  # is not signalled
}


def test_reasons_in_source_are_codes():
    listed = {repr(reason) for reason in (*REJECTION_REASONS, *REFUSAL_REASONS)}
    paths = [path for path in PACKAGE.rglob("*.py") if "client" not in path.parts]
    written = {
        ast.unparse(node.args[0])
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SIGNALLED and node.args
    }

    assert written - listed == OTHER_REASONS
