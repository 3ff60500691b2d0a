"""How often keys are used: what is accepted, what is refused, and what is not counted at all."""

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

from tests.support import oauth
from tests.support.factories import erase
from tests.support.keys_client import KeysClient
from tests.support.requests import JSON, TOKEN_URL, bearer, body, key_headers
from tests.support.threads import run_threads
from tests.support.times import NOON
from tests.support.tokens import claims_for, sign
from tests.support.uses import FOREVER, counted, forget
from tot_jwt.access import averify_token, verify_token
from tot_jwt.authentication import JWTAuthentication
from tot_jwt.keys import lifecycle, usage
from tot_jwt.keys.counts import counters
from tot_jwt.keys.domains import erase_domain, rename_domain, suspend_domain
from tot_jwt.keys.hours import HOUR, PRUNED
from tot_jwt.models import KeyUsage
from tot_jwt.principal import refuse

# A write may wait for the end of a transaction, so these tests cannot run inside one.
pytestmark = pytest.mark.django_db(transaction=True)

NOON_HOUR = int(NOON.timestamp())


def hours(key):
    """Return what is counted in each hour, the hours as numbers of hours after noon."""
    rows = usage.of_key(key.public_key, 0, FOREVER)
    return [((row.at - NOON_HOUR) / HOUR, row.accepted, row.refused) for row in rows]


# What is counted


@pytest.mark.usefixtures("unlimited")
def test_accepted_requests_are_counted(make_key, make_token, client):
    key = make_key(scopes=["orders:read", "tokens:introspect"])
    token, other = make_token(key), make_token(key)
    assert counted(key) == (2, 0)
    api = KeysClient(token)
    requests = {
        "token": lambda: client.get("/me", headers=bearer(token)),
        "token with a scope": lambda: client.get("/scoped", headers=bearer(token)),
        "keys in headers": lambda: client.get("/me", headers=key_headers(key)),
        "keys in a body": lambda: client.post("/me", body(key), content_type=JSON),
        "exchange": lambda: client.post(TOKEN_URL, body(key), content_type=JSON),
        "verification": lambda: client.get(TOKEN_URL, headers=bearer(token)),
        "exchange by OAuth": lambda: oauth.post(oauth.TOKEN, {}, oauth.basic_of(key)),
        "introspection": lambda: oauth.post(
            oauth.INTROSPECT, {"token": token}, oauth.basic_of(key)
        ),
        "list of keys": api.list,
        "new key": api.create,
        "key that does not exist": lambda: api.show("pk_x"),
        "invalid body": lambda: api.change(key, scopes="x"),
        "revocation of a token": lambda: client.delete(TOKEN_URL, headers=bearer(other)),
    }

    for number, (name, request) in enumerate(requests.items(), 3):
        assert request().status_code < 500
        assert counted(key) == (number, 0), name


@pytest.mark.usefixtures("unlimited")
def test_refused_credentials_are_counted(make_key, make_token, client, pass_time, settings):
    key = make_key(scopes=["orders:read"])
    token, expired, revoked = (make_token(key) for _ in range(3))
    client.delete(TOKEN_URL, headers=bearer(revoked))
    before, refusals = counted(key)[0], 0

    def refused(*answers):
        nonlocal refusals
        refusals += len(answers)
        assert {answer.status_code for answer in answers} <= {401, 403}
        assert counted(key) == (before, refusals)

    def all_refused():
        refused(
            client.post(TOKEN_URL, body(key), content_type=JSON),
            client.post("/me", body(key), content_type=JSON),
            client.get("/me", headers=bearer(token)),
        )

    for wrong in ({"totSecretKey": "wrong"}, {"appDomain": "other.example"}):
        refused(
            client.post(TOKEN_URL, body(key, **wrong), content_type=JSON),
            client.post("/me", body(key, **wrong), content_type=JSON),
        )
    refused(client.post(TOKEN_URL, body(key, scopes=["orders:write"]), content_type=JSON))
    refused(client.get("/me", headers=bearer(revoked)))
    with override_settings(TOT_JWT={**settings.TOT_JWT, "ENVIRONMENTS": ["test"]}):
        all_refused()
    type(key).objects.filter(pk=key.pk).update(allowed_ips="192.0.2.1")
    forget_states(key)
    all_refused()
    type(key).objects.filter(pk=key.pk).update(allowed_ips="")
    for change in (lifecycle.disable_key, lambda key: suspend_domain(key.app_domain)):
        change(key)
        all_refused()
    pass_time(900)
    refused(client.get("/me", headers=bearer(expired)))


def forget_states(key):
    """Let the process load the key's state again. Its counts stay."""
    lifecycle.end_previous_secret(key)


def test_refused_rights_are_counted(make_key, make_token, client, settings):
    settings.TOT_JWT = {"KEY_CHANGE_RATE": "1/hour", "EXCHANGE_RATE": "3/hour"}
    key, other = make_key(scopes=["a"]), make_key()
    token = make_token(key)
    powerless = KeysClient(make_token(key, scopes=["a"]))
    requests = {
        "scope": lambda: client.get("/scoped", headers=bearer(token)),
        "scope of a key": lambda: client.get("/scoped", headers=key_headers(key)),
        "keys:manage": powerless.list,
        "tokens:introspect": lambda: oauth.post(
            oauth.INTROSPECT, {"token": token}, oauth.basic_of(key)
        ),
        "token of another client": lambda: oauth.post(
            oauth.REVOKE, {"token": make_token(other)}, oauth.basic_of(key)
        ),
        "escalation": lambda: KeysClient(token).create(scopes=["orders:read"]),
        "key changes": lambda: KeysClient(token).create(),
    }

    for number, (name, request) in enumerate(requests.items(), 1):
        assert request().status_code in (400, 403, 429), name
        assert counted(key) == (2, number), name
    exchanges = [client.post(TOKEN_URL, body(key), content_type=JSON).status_code for _ in range(3)]
    assert exchanges == [200, 429, 429]
    assert counted(key) == (3, len(requests) + 2)


class NoUser(JWTAuthentication):
    """A host's class that finds no user."""

    def get_user(self, client, auth):
        return None


def test_client_without_user_is_refused(make_key, make_token, rf):
    key = make_key()
    request = rf.get("/", headers=bearer(make_token(key)))

    with pytest.raises(Exception, match="permissions"):
        NoUser().authenticate(request)

    assert counted(key) == (1, 1)


def test_unknown_keys_are_not_counted(make_key, make_token, client):
    key = make_key()
    forged = sign(claims_for(key), key=b"x" * 32)
    unknown = body(key, totApiKey="pk_live_tot_unknown")

    for _ in range(3):
        assert client.post(TOKEN_URL, unknown, content_type=JSON).status_code == 401
        assert client.post("/me", unknown, content_type=JSON).status_code == 401
        assert client.get("/me", headers=bearer(forged)).status_code == 401

    assert counters.waiting() == []
    assert not KeyUsage.objects.exists()


# Exact numbers


@pytest.mark.usefixtures("pass_time")
def test_threads_lose_no_use(make_key):
    keys = [make_key() for _ in range(3)]
    uses, threads = 40, 51

    def use(number):
        for step in range(uses):
            counter = counters.of(keys[number % 3].public_key)
            accepted = counter.accept()
            if step % 2:
                accepted()
                accepted()
            counter.refuse()

    run_threads(use, range(threads))

    each = uses * threads / 3
    assert [counted(key) for key in keys] == [(each / 2, each * 3 / 2)] * 3


def test_warm_token_is_counted(make_key, make_token, django_assert_num_queries):
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")

    with django_assert_num_queries(0):
        for number in range(1000):
            client, _ = verify_token(token, address="")
            if number < 300:
                refuse(client)
                refuse(client)

    assert counted(key) == (2 + 700, 300)


def test_event_loop_counts_without_query(make_key, make_token):
    key = make_key()
    token = make_token(key)
    verify_token(token, address="")

    async def use():
        # A query in the event loop raises SynchronousOnlyOperation.
        client, _ = await averify_token(token, address="")
        refuse(client)

    async_to_sync(use)()

    assert counted(key) == (2, 1)


def test_refusal_moves_written_use(make_key, make_token, pass_time):
    key = make_key()
    client, _ = verify_token(make_token(key), address="")
    assert hours(key) == [(0, 2, 0)]
    pass_time(HOUR)

    for _ in range(2):
        refuse(client)

    assert hours(key) == [(0, 1, 1)]


# Hours


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize("aware", [True, False])
def test_use_counts_in_its_utc_hour(make_key, make_token, pass_time, settings, zone, aware):
    settings.TIME_ZONE, settings.USE_TZ = zone, aware
    key = make_key()
    for seconds in (0, HOUR - 1, 1, 1):
        pass_time(seconds)
        make_token(key)

    assert hours(key) == [(0, 2, 0), (1, 2, 0)]


def test_old_hours_are_deleted(make_key, pass_time):
    key, idle = make_key(), make_key()
    for each in (key, idle):
        counters.of(each.public_key).refuse()
        assert len(hours(each)) == 1
    pass_time(90 * 24 * HOUR)
    counters.of(key.public_key).refuse()
    assert [at for at, *_ in hours(key)] == [0, 90 * 24]
    pass_time(HOUR)

    counters.of(key.public_key).refuse()

    assert [at for at, *_ in hours(key)] == [90 * 24, 90 * 24 + 1]
    assert hours(idle) == []


def test_many_old_hours_are_deleted_gradually(make_key, pass_time):
    key = make_key()
    KeyUsage.objects.bulk_create(
        KeyUsage(key=key, at=NOON_HOUR - (number + 2161) * HOUR, refused=1)
        for number in range(PRUNED + 1)
    )

    left = []
    for _ in range(3):
        counters.of(key.public_key).refuse()
        left.append(len(hours(key)))

    assert left == [2, 1, 1]


def test_range_selects_beginnings_of_hours(make_key, pass_time):
    key = make_key()
    for _ in range(3):
        counters.of(key.public_key).refuse()
        pass_time(HOUR)

    rows = usage.of_key(key.public_key, NOON_HOUR + 1, NOON_HOUR + 2 * HOUR)

    assert [row.at for row in rows] == [NOON_HOUR + HOUR]


# Keys that go


def test_erased_keys_counts_are_dropped(make_key, caplog):
    key = make_key()
    counters.of(key.public_key).refuse()
    assert counted(key) == (0, 1)
    counters.of(key.public_key).refuse()

    erase(key)
    assert counted(key) == (0, 0)

    assert counters.waiting() == []
    assert caplog.records == []
    assert not KeyUsage.objects.exists()


def test_recreated_key_is_counted(make_key):
    key = make_key(public_key="pk_x")
    counter = counters.of("pk_x")
    counter.refuse()
    assert counted(key) == (0, 1)
    erase(key)

    new = make_key(public_key="pk_x")
    counter.accept()

    assert counted(new) == (1, 0)


def test_erased_domain_takes_its_usage(make_key, make_domain):
    domain, other = make_domain(), make_key()
    owner = make_key(app_domain=domain)
    created = make_key(app_domain=domain, created_by_key=owner)
    for key in (owner, created, other):
        counters.of(key.public_key).refuse()
        assert counted(key) == (0, 1)

    assert erase_domain(domain) == {"keys": 2, "events": 2}

    assert [row.key_id for row in KeyUsage.objects.all()] == [other.pk]


def test_renamed_domain_keeps_its_usage(make_key, make_token):
    key = make_key()
    make_token(key)

    rename_domain(key.app_domain, "renamed.example")
    key.app_domain.refresh_from_db()
    make_token(key)

    assert counted(key) == (2, 0)


def test_forgotten_uses_are_not_written(make_key, make_token):
    key = make_key()
    make_token(key)
    verify_token(make_token(key), address="")

    forget()

    assert counted(key) == (1, 0)
