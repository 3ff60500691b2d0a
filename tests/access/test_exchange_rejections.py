"""Rejected credentials: one answer, one query, one comparison (contract §1)."""

import hmac
import json
from datetime import UTC, datetime

import pytest

from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import resume_domain, suspend_domain

NOON = datetime(2025, 10, 29, 18, 23, 22, 700_000, tzinfo=UTC)
INVALID = b'{"detail":"Invalid credentials","code":"invalid_credentials"}'
INSUFFICIENT = {"detail": "API key lacks necessary permissions", "code": "insufficient_permissions"}


@pytest.fixture
def comparisons(monkeypatch):
    """Count the comparisons in constant time; all of them must compare bytes."""
    compared = []
    compare_digest = hmac.compare_digest

    def compare(a, b):
        assert isinstance(a, bytes)
        assert isinstance(b, bytes)
        compared.append((a, b))
        return compare_digest(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    return compared


@pytest.mark.req("B3")
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "cached"])
@pytest.mark.parametrize(
    ("state", "sent"),
    [
        ({}, {"totApiKey": "pk_live_tot_unknown"}),
        ({}, {"totSecretKey": "wrong"}),
        ({}, {"totSecretKey": "wröng €"}),
        ({}, {"appDomain": "other.example.com"}),
        ({}, {"appDomain": "not a domain"}),
        ({"revoked_at": NOON}, {}),
        ({"disabled_at": NOON}, {}),
        ({"expires_at": NOON}, {}),
        ({"revoked_at": NOON}, {"totSecretKey": "wrong"}),
    ],
    ids=lambda value: json.dumps(value, default=str),
)
def test_wrong_credentials_answer_identically(
    make_key, post_token, state, sent, warm, django_assert_num_queries, comparisons
):
    key = make_key(**state)
    if warm:  # any rule that allows caches the state
        key_state.decide(key.public_key, lambda state: state)
    comparisons.clear()

    with django_assert_num_queries(1):
        answer = post_token(key, **sent)

    assert (answer.status_code, answer.content) == (401, INVALID)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert len(comparisons) == 1


def test_suspended_domain_needs_correct_secret(make_key, post_token):
    key = make_key()
    suspend_domain(key.app_domain)

    assert (post_token(key).status_code, post_token(key).json()) == (403, INSUFFICIENT)
    assert post_token(key, totSecretKey="wrong").status_code == 401

    resume_domain(key.app_domain)
    assert post_token(key).status_code == 200


def test_key_without_issuing_right_is_forbidden(make_key, post_token):
    answer = post_token(make_key(can_issue_tokens=False))

    assert (answer.status_code, answer.json()) == (403, INSUFFICIENT)


@pytest.mark.parametrize(
    ("networks", "status"), [(["127.0.0.0/8"], 200), (["192.0.2.0/24", "2001:db8::/32"], 403)]
)
def test_address_outside_networks_is_forbidden(make_key, post_token, networks, status):
    assert post_token(make_key(allowed_ips=networks)).status_code == status


@pytest.mark.req("B2")
def test_stored_hash_is_not_accepted(make_key, post_token):
    key = make_key()

    assert post_token(key, totSecretKey=key.secret_hash).status_code == 401
