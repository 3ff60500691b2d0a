"""One verifier for all ways in: each case of credentials over each way (security.md B5)."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from tests.support.created_keys import created_by
from tests.support.hostile_spellings import FULLWIDTH
from tests.support.oauth import ENDPOINTS, MAY_INTROSPECT, TOKEN, basic, post
from tests.support.requests import JSON, TOKEN_URL
from tests.support.times import DAY
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.rules.hashes import hash_secret

pytestmark = [pytest.mark.req("B2", "B5"), pytest.mark.django_db]

ACCEPTED, INVALID, FORBIDDEN, THROTTLED = "accepted", "invalid", "forbidden", "throttled"
#: Status and error → what it says about the credentials.
VERDICTS = {
    (200, ""): ACCEPTED,
    (401, "invalid_credentials"): INVALID,
    (401, "invalid_client"): INVALID,
    (403, "insufficient_permissions"): FORBIDDEN,
    (400, "unauthorized_client"): FORBIDDEN,
    (429, "throttled"): THROTTLED,
    (429, "slow_down"): THROTTLED,
}
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def send_json(url, domain, public_key, secret):
    sent = {"appDomain": domain, "totApiKey": public_key, "totSecretKey": secret}
    return Client().post(url, sent, content_type=JSON)


#: Each way to send credentials.
WAYS = {
    "exchange": lambda domain, *key: send_json(TOKEN_URL, domain, *key),
    "direct keys": lambda domain, *key: send_json("/keys-only", domain, *key),
    **{
        f"{url}, Basic": lambda domain, *key, url=url: post(url, headers=basic(*key))
        for url in ENDPOINTS
    },
    **{
        f"{url}, form": lambda domain, public_key, secret, url=url: post(
            url, {"client_id": public_key, "client_secret": secret}
        )
        for url in ENDPOINTS
    },
}
#: The ways that issue a token.
EXCHANGES = {"exchange", f"{TOKEN}, Basic", f"{TOKEN}, form"}


def verdict(answer):
    members = answer.json()
    return VERDICTS[answer.status_code, members.get("code") or members.get("error", "")]


def update(**columns):
    return lambda key: ApiKey.objects.filter(pk=key.pk).update(**columns)


def rotate(**grace):
    return lambda key: lifecycle.rotate_key(key, **grace)


#: What happens to the key first → the verdict on its secret.
STATES = {
    "active": (lambda key: None, ACCEPTED),
    "revoked": (lifecycle.revoke_key, INVALID),
    "disabled": (lifecycle.disable_key, INVALID),
    "disabled and enabled": (
        lambda key: lifecycle.enable_key(lifecycle.disable_key(key)),
        ACCEPTED,
    ),
    "expired": (update(expires_at=PAST), INVALID),
    "rotated, in its grace": (rotate(grace=DAY), ACCEPTED),
    "rotated, grace over": (
        lambda key: (rotate(grace=DAY)(key), update(previous_secret_expires_at=PAST)(key)),
        INVALID,
    ),
    "rotated at once": (rotate(grace=0 * DAY), INVALID),
    "tokens ended": (lifecycle.end_tokens, ACCEPTED),
    "other addresses": (update(allowed_ips="192.0.2.0/24"), FORBIDDEN),
    "own address": (update(allowed_ips="127.0.0.0/8"), ACCEPTED),
    "domain suspended": (lambda key: suspend_domain(key.app_domain), FORBIDDEN),
    "imported hash of this secret": (
        lambda key: update(secret_hash=make_password(key.secret))(key),
        ACCEPTED,
    ),
    "imported hash of another": (update(secret_hash=make_password("zebra7")), INVALID),
    "another hash": (update(secret_hash=hash_secret("zebra7")), INVALID),
    "hash that cannot be read": (update(secret_hash="zebra7"), INVALID),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("happen", "expected"), STATES.values(), ids=STATES)
def test_state_decides_on_each_way(make_key, happen, expected, way):
    key = make_key(scopes=[MAY_INTROSPECT])
    sent = key.app_domain.domain, key.public_key, key.secret
    assert verdict(WAYS[way](*sent)) == ACCEPTED

    happen(key)
    key_state.reset()

    assert verdict(WAYS[way](*sent)) == expected


#: What is sent for the public key and the secret → the verdict.
SPELLINGS = {
    "exact": (lambda public_key, secret: (public_key, secret), ACCEPTED),
    "unknown key": (lambda public_key, secret: (f"{public_key}x", secret), INVALID),
    "swapped": (lambda public_key, secret: (secret, public_key), INVALID),
    "stored hash": (lambda public_key, secret: (public_key, hash_secret(secret)), INVALID),
    "upper case": (lambda public_key, secret: (public_key.upper(), secret), INVALID),
    "full width": (lambda public_key, secret: (public_key.translate(FULLWIDTH), secret), INVALID),
    "zero width": (lambda public_key, secret: (f"{public_key}\u200b", secret), INVALID),
    "wildcard": (lambda public_key, secret: ("pk_live_tot_%", secret), INVALID),
    "space behind the key": (lambda public_key, secret: (f"{public_key} ", secret), INVALID),
    "space behind the secret": (lambda public_key, secret: (public_key, f"{secret} "), INVALID),
    "newline": (lambda public_key, secret: (public_key, f"{secret}\n"), INVALID),
    "secret in other case": (lambda public_key, secret: (public_key, secret.swapcase()), INVALID),
    "half the secret": (lambda public_key, secret: (public_key, secret[:20]), INVALID),
    "secret escaped": (
        lambda public_key, secret: (public_key, secret.replace("_", "%5F")),
        INVALID,
    ),
    "secret in Base64": (
        lambda public_key, secret: (public_key, b64encode(secret.encode()).decode()),
        INVALID,
    ),
    "quotes": (lambda public_key, secret: (public_key, f'"{secret}"'), INVALID),
    "SQL": (lambda public_key, secret: ("' OR '1'='1' -- ", "' OR '1'='1' -- "), INVALID),
    "not ASCII": (lambda public_key, secret: (public_key, "p\u00e4ssw\u00f6rt"), INVALID),
}


@pytest.mark.req("B3", "B4")
@pytest.mark.parametrize("way", WAYS)
def test_spelling_decides_on_each_way(make_key, unlimited, way):
    key = make_key(scopes=[MAY_INTROSPECT])
    domain = key.app_domain.domain

    answers = {
        name: WAYS[way](domain, *spell(key.public_key, key.secret))
        for name, (spell, _) in SPELLINGS.items()
    }

    assert {name: verdict(answer) for name, answer in answers.items()} == {
        name: expected for name, (_, expected) in SPELLINGS.items()
    }
    rejected = {a.serialize() for name, a in answers.items() if SPELLINGS[name][1] == INVALID}
    assert len(rejected) == 1


@pytest.mark.parametrize("way", WAYS)
def test_creators_state_counts_on_each_way(make_key, way):
    creator = make_key(scopes=[MAY_INTROSPECT])
    key = created_by(creator, scopes=[MAY_INTROSPECT])
    sent = key.app_domain.domain, key.public_key, key.secret
    assert verdict(WAYS[way](*sent)) == ACCEPTED

    lifecycle.disable_key(creator)
    assert verdict(WAYS[way](*sent)) == INVALID

    lifecycle.release_key(key)
    assert verdict(WAYS[way](*sent)) == ACCEPTED


@pytest.mark.parametrize("way", WAYS)
def test_only_exchange_needs_its_permission(make_key, way):
    key = make_key(scopes=[MAY_INTROSPECT], can_issue_tokens=False)

    answer = WAYS[way](key.app_domain.domain, key.public_key, key.secret)

    assert verdict(answer) == (FORBIDDEN if way in EXCHANGES else ACCEPTED)


@pytest.mark.parametrize("way", WAYS)
def test_environment_decides_on_each_way(make_key, settings, way):
    key = make_key(scopes=[MAY_INTROSPECT], environment="test")
    sent = key.app_domain.domain, key.public_key, key.secret

    for served, expected in [(["test"], ACCEPTED), (["live"], FORBIDDEN)]:
        settings.TOT_JWT = {"ENVIRONMENTS": served}
        assert verdict(WAYS[way](*sent)) == expected


# Limits: each way counts with the others


@pytest.mark.req("D1")
@pytest.mark.parametrize("way", WAYS)
def test_failures_count_on_each_way(make_key, settings, pass_time, way):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "2/min"}}
    key = make_key(scopes=[MAY_INTROSPECT])
    wrong = key.app_domain.domain, key.public_key, "zebra7"

    own = [verdict(WAYS[way](*wrong)) for _ in range(3)]
    others = {name: verdict(send(*wrong)) for name, send in WAYS.items()}

    assert own == [INVALID, INVALID, THROTTLED]
    assert others == dict.fromkeys(WAYS, THROTTLED)
    right = {verdict(send(*wrong[:2], key.secret)) for send in WAYS.values()}
    assert right == {ACCEPTED}


@pytest.mark.req("D1")
def test_failures_count_across_ways(make_key, settings, pass_time):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": f"{len(WAYS)}/min"}}

    verdicts = [
        verdict(send(key.app_domain.domain, key.public_key, "zebra7"))
        for send in WAYS.values()
        for key in (make_key(), make_key())
    ]

    assert verdicts == [INVALID] * len(WAYS) + [THROTTLED] * len(WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_weak_secret_has_its_barrier(make_key, pass_time, way):
    key = make_key(scopes=[MAY_INTROSPECT], secret_hash=make_password("4711"))
    sent = key.app_domain.domain, key.public_key

    guesses = [verdict(WAYS[way](*sent, f"{number:04}")) for number in range(4700, 4712)]

    # The right one is not compared any more.
    assert guesses == [INVALID] * 10 + [THROTTLED] * 2
    pass_time(60)
    assert verdict(WAYS[way](*sent, "4711")) == ACCEPTED
