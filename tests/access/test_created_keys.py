"""A created key lives inside its creator, at every use (contract §5)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support.created_keys import administer, created_by
from tests.support.keys_client import code_of
from tests.support.requests import JSON, bearer, body
from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey

pytestmark = pytest.mark.req("F0")

OK = (200, "")
ENDED = (401, "token_revoked")
INVALID = (401, "invalid_credentials")
FORBIDDEN = (403, "insufficient_permissions")
#: The outcomes of a use by token, by exchange, and by keys directly.
Outcomes = tuple[tuple[int, str], tuple[int, str], tuple[int, str]]
WORKS: Outcomes = (OK, OK, OK)
ENDS: Outcomes = (ENDED, INVALID, INVALID)


@pytest.fixture
def creator(make_key: Callable[..., Any]) -> Any:
    """Return a key with two scopes, which an administrator created."""
    return make_key(scopes=["a", "b"])


@pytest.fixture
def use(client: Client, make_token: Callable[..., str]) -> Callable[[Any], Callable[[], Outcomes]]:
    """``use(key)()``: use the key in each way, with a token from before; return the outcomes."""

    def prepare(key: Any) -> Callable[[], Outcomes]:
        headers = bearer(make_token(key))

        def outcomes() -> Outcomes:
            return (
                code_of(client.get("/me", headers=headers)),
                code_of(client.post("/api/internal/auth/token", body(key), content_type=JSON)),
                code_of(client.post("/me", body(key), content_type=JSON)),
            )

        assert outcomes() == WORKS
        return outcomes

    return prepare


#: What happens to a creator, and how its created keys answer then.
ACTS: dict[str, tuple[Callable[[Any], Any], Outcomes]] = {
    "revoked": (lifecycle.revoke_key, ENDS),
    "disabled": (lifecycle.disable_key, ENDS),
    "expired": (lambda key: ApiKey.objects.filter(pk=key.pk).update(expires_at=NOON), ENDS),
    "pinned": (
        lambda key: administer(key, allowed_ips=["192.0.2.0/24"]),
        (FORBIDDEN, FORBIDDEN, FORBIDDEN),
    ),
    "without tokens": (lambda key: administer(key, can_issue_tokens=False), (OK, FORBIDDEN, OK)),
    "rotated at once": (
        lambda key: lifecycle.rotate_key(key, grace=0 * DAY, revoke_created_keys=False),
        WORKS,
    ),
    "tokens ended": (lifecycle.end_tokens, WORKS),
    "renamed": (lambda key: administer(key, name="Other"), WORKS),
}


@pytest.mark.parametrize(("act", "expected"), ACTS.values(), ids=ACTS)
@pytest.mark.usefixtures("pass_time")
def test_creators_change_counts_at_once(creator, use, pass_time, act, expected):
    outcomes = use(created_by(creator))

    act(creator)

    pass_time(5)  # past the age of cached states: some of these acts happen elsewhere
    assert outcomes() == expected


@pytest.mark.parametrize("act", [act for act, _ in ACTS.values()], ids=ACTS)
def test_creators_change_spares_released_key(creator, use, pass_time, act):
    created = created_by(creator)
    outcomes = use(created)

    lifecycle.release_key(created)
    act(creator)

    pass_time(5)
    assert outcomes() == WORKS


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("end", [lifecycle.revoke_key, lifecycle.disable_key])
def test_released_key_works_again(creator, use, end, is_first):
    created = created_by(creator)
    outcomes = use(created)

    for act, key in [(end, creator), (lifecycle.release_key, created)][:: 1 if is_first else -1]:
        act(key)

    assert outcomes() == WORKS


def test_key_returns_with_its_creator(creator, use):
    outcomes = use(created_by(creator))
    lifecycle.disable_key(creator)
    assert outcomes() == ENDS

    lifecycle.enable_key(creator)

    assert outcomes() == WORKS


@pytest.mark.parametrize("is_released", [False, True])
def test_suspended_domain_ends_all_keys(creator, use, is_released):
    created = created_by(creator, released_at=NOON if is_released else None)
    outcomes = use(created)

    suspend_domain(created.app_domain)

    assert outcomes() == (ENDED, FORBIDDEN, FORBIDDEN)


def scopes_of(key: Any, token: str) -> list[list[str]]:
    """Return the key's scopes by token and by keys directly, sorted and without `keys:manage`."""
    client = Client()
    answers = [
        client.get("/me", headers=bearer(token)),
        client.post("/me", body(key), content_type=JSON),
    ]
    return [
        sorted(scope for scope in answer.json()["scopes"] if scope != "keys:manage")
        for answer in answers
    ]


@pytest.mark.parametrize(
    ("left", "expected"), [(["a", "b"], ["a", "b"]), (["b"], ["b"]), (["c"], []), ([], [])]
)
def test_narrowed_creator_narrows_every_use(creator, make_token, post_token, left, expected):
    created = created_by(creator, scopes=["a", "b"])
    token = make_token(created)
    assert scopes_of(created, token) == [["a", "b"]] * 2

    administer(creator, scopes=left)

    assert scopes_of(created, token) == [expected] * 2
    assert scopes_of(created, make_token(created)) == [expected] * 2
    asked = code_of(post_token(created, scopes=["a", "b"]))
    assert asked == (OK if expected == ["a", "b"] else FORBIDDEN)
    assert ApiKey.objects.get(pk=created.pk).scope_set == {"a", "b"}


def test_addresses_must_suit_both(creator, use):
    created = created_by(creator, allowed_ips=["127.0.0.0/8"])
    outcomes = use(created)

    for creators, expected in [
        (["127.0.0.1"], WORKS),
        (["127.0.0.2"], (FORBIDDEN, FORBIDDEN, FORBIDDEN)),
        (["0.0.0.0/0"], WORKS),
    ]:
        administer(creator, allowed_ips=creators)
        assert outcomes() == expected


@pytest.mark.req("A11")
@pytest.mark.parametrize("columns", [{"revoked_at": NOON}, {"disabled_at": NOON}], ids=str)
def test_foreign_change_counts_after_max_age(creator, use, pass_time, columns):
    outcomes = use(created_by(creator))
    ApiKey.objects.filter(pk=creator.pk).update(**columns)  # as another process does

    pass_time(4.9)
    assert outcomes() == WORKS
    pass_time(0.1)
    assert outcomes() == ENDS


def test_created_keys_token_costs_one_query(
    creator, make_token, client, settings, django_assert_num_queries
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    headers = bearer(make_token(created_by(creator)))

    for _ in range(2):
        with django_assert_num_queries(1):
            assert client.get("/me", headers=headers).status_code == 200
