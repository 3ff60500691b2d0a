"""Simultaneous acts that only take away, and thieves that disturb them (security.md D6 to D8)."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from django.conf import settings as host_settings
from django.db import connection
from django.test import Client

from tests.support.admin import make_superuser, run_action
from tests.support.keys_client import client_of, code_of
from tests.support.process_faults import Answer, Load, process
from tests.support.processes import PREFIX, Process, driver
from tests.support.requests import body
from tot_jwt.exceptions import KeyIsRevoked
from tot_jwt.keys import change_key, disable_key, revoke_key, rotate_key
from tot_jwt.models import ApiKey, KeyEvent

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        host_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
        reason="SQLite has no row locks",
    ),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unlimited"),
]

ROUNDS = 6
NOW = timedelta(0)


def reread(key):
    return ApiKey.objects.get(pk=key.pk)


def created_by(key, number):
    """Return keys that this key created, with their clients."""
    api = client_of(key)
    made = [api.create().json() for _ in range(number)]
    keys = [ApiKey.objects.get(public_key=each["totApiKey"]) for each in made]
    for created, each in zip(keys, made, strict=True):
        created.secret = each["totSecretKey"]
    return keys


def rotate_unless_revoked(key):
    with suppress(KeyIsRevoked):
        rotate_key(key, grace=NOW)


@pytest.mark.req("D7")
def test_mutual_revocations_do_not_deadlock(make_key, at_once):
    for _ in range(ROUNDS):
        one = make_key()
        two, _ = (make_key(app_domain=one.app_domain) for _ in range(2))
        apis = client_of(one), client_of(two)

        answers = at_once(partial(apis[0].revoke, two), partial(apis[1].revoke, one))

        # The second caller may have been revoked before it was heard.
        codes = sorted(map(code_of, answers))
        assert codes in ([(204, "")] * 2, [(204, ""), (401, "token_revoked")])


@pytest.mark.req("D7")
def test_writers_on_same_key_all_succeed(make_key, at_once):
    owner = make_key(scopes=["a", "b"])
    apis = [client_of(owner) for _ in range(4)]
    for _ in range(ROUNDS):
        key = make_key(app_domain=owner.app_domain, scopes=["a", "b"])

        answers = at_once(
            partial(apis[0].change, key, scopes=["a"]),
            partial(apis[1].change, key, allowedIps=["192.0.2.0/24"]),
            partial(apis[2].change, key, disabled=True),
            partial(apis[3].rotate, key, graceSeconds=0, totSecretKey=key.secret),
        )

        assert list(map(code_of, answers)) == [(200, "")] * 4
        row = reread(key)
        assert (row.scopes, row.allowed_ips, row.generation) == ("a", "192.0.2.0/24", 2)
        assert row.disabled_at is not None


@pytest.mark.req("D7")
def test_revocations_at_once_all_succeed(make_key, at_once):
    owner = make_key()
    apis = [client_of(owner) for _ in range(4)]
    for _ in range(ROUNDS):
        key = make_key(app_domain=owner.app_domain)

        answers = at_once(*[partial(api.revoke, key) for api in apis])

        assert list(map(code_of, answers)) == [(204, "")] * 4
        assert list(KeyEvent.objects.filter(key=key, action="revoked").values_list("key")) == [
            (key.pk,)
        ]


@pytest.mark.req("D7")
def test_bulk_revocations_do_not_deadlock(make_key, at_once):
    """Administrators and a token revoke overlapping keys; a key created some of them."""
    admins = [Client(), Client()]
    for each in admins:
        make_superuser(each)
    owner = make_key()
    api = client_of(owner)
    for _ in range(ROUNDS):
        creator = make_key(app_domain=owner.app_domain)
        other_domain = make_key()
        created = created_by(creator, 2)
        keys = [creator, *created, other_domain]

        *done, revoked, _ = at_once(
            partial(run_action, admins[0], "revoke_keys", *created, other_domain, confirmed="1"),
            partial(run_action, admins[1], "revoke_keys", *reversed(keys), confirmed="1"),
            partial(api.revoke, created[-1]),
            partial(rotate_unless_revoked, creator),
        )

        assert [answer.status_code for answer in done] == [302, 302]
        assert code_of(revoked) == (204, "")
        assert all(reread(key).revoked_at for key in keys)


@pytest.mark.req("D7")
def test_rotation_meets_revocations_of_created(make_key, at_once):
    owner = make_key()
    api = client_of(owner)
    for _ in range(ROUNDS):
        creator = make_key(app_domain=owner.app_domain)
        created = created_by(creator, 3)
        own = client_of(creator)

        answers = at_once(
            partial(own.rotate, creator, graceSeconds=0, totSecretKey=creator.secret),
            partial(api.revoke, created[2]),
            partial(api.revoke, created[0]),
            partial(revoke_key, created[1]),
        )

        assert [code_of(answer) for answer in answers[:3]] == [(200, ""), (204, ""), (204, "")]
        assert all(reread(key).revoked_at for key in created)


# Thieves


@pytest.fixture
def eight_workers() -> Iterator[Process]:
    """Start eight processes of the application on the tests' database, behind one port."""
    driver("gunicorn")
    database = {**host_settings.DATABASES["default"], "NAME": connection.settings_dict["NAME"]}
    with process({"default": {**database, "CONN_MAX_AGE": 60}}, max_age=5, workers=8) as running:
        yield running


@pytest.fixture
def act(eight_workers: Process) -> Callable[..., Answer]:
    """``act("DELETE", "/keys/…", token, …)``: return status and code of the answer."""
    return lambda method, path, *more: eight_workers.ask(method, PREFIX + path, *more)


@pytest.mark.req("D7", "D8")
def test_refused_thieves_delay_no_owner(make_key, eight_workers, act):
    """Of sixteen threads, half use a token of a created key, half a token without scopes."""
    owner = make_key(scopes=["a", "b"])
    make = partial(make_key, app_domain=owner.app_domain)
    token, *stolen = (
        eight_workers.token(body(key)) for key in (owner, *created_by(owner, 1), make())
    )
    targets = [make(scopes=["a", "b"]) for _ in range(4)]
    attacked = [targets[0]]

    def steal(stolen_token: str, numbers: Iterator[int]) -> Answer:
        return attacks(act, stolen_token, attacked[0])[next(numbers)]()

    load, answers = Load(), []
    with load.of(*[partial(steal, each, cycle(range(3))) for each in stolen * 8]):
        for number, target in enumerate(targets):
            attacked[0] = target
            load.goes_on_until(CREATES_NONE, times=4)
            load.goes_on_until(EXCEEDS, times=4)
            answers += take_away(act, token, target) if number % 2 else take_away_as_admin(target)

    assert answers == [(200, None), (200, None), (200, None), (204, None)] * 2
    assert load.seen == {CREATES_NONE, EXCEEDS}
    assert all(reread(key).revoked_at and reread(key).generation == 2 for key in targets)


CREATES_NONE = (403, "key_creation_not_allowed")
EXCEEDS = (403, "key_exceeds_caller")


def attacks(act: Callable[..., Answer], token: str, key: ApiKey) -> list[Callable[[], Answer]]:
    """Return the calls of a thief that this key's owner would feel."""
    path = f"/keys/{key.public_key}"
    return [
        partial(act, "DELETE", path, token),
        partial(act, "PATCH", path, token, {"disabled": True}),
        partial(act, "POST", f"{path}/rotate", token, {"graceSeconds": 0}),
    ]


def take_away(act: Callable[..., Answer], token: str, key: Any) -> list[Answer]:
    """Take away everything with the owner's token. Return the answers."""
    path = f"/keys/{key.public_key}"
    return [
        act("PATCH", path, token, {"scopes": ["a"]}),
        act("PATCH", path, token, {"disabled": True}),
        act("POST", f"{path}/rotate", token, {"graceSeconds": 0, "totSecretKey": key.secret}),
        act("DELETE", path, token),
    ]


def take_away_as_admin(key: ApiKey) -> list[Answer]:
    """Take away everything as an administrator, in the tests' process."""
    change_key(
        key, name=key.name, scopes=["a"], expires_at=None, allowed_ips=[], can_issue_tokens=True
    )
    for action in (disable_key, partial(rotate_key, grace=NOW), revoke_key):
        action(key)
    return []
