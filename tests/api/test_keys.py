"""The keys endpoints: contract §5, all but the rules against escalation."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.keys_client import KEYS_URL, KeysClient, client_of, code_of, url_of
from tests.support.requests import body
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.exceptions import RecordIsPermanent
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.keys.record import Actor, person
from tot_jwt.models import ApiKey, KeyEvent
from tot_jwt.signals import key_event

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 10, 29, 12, 0, 0, 250_000, tzinfo=UTC)
MEMBERS = [
    "totApiKey",
    "appDomain",
    "environment",
    "name",
    "scopes",
    "status",
    "secretHint",
    "allowedIps",
    "canIssueTokens",
    "disabled",
    "createdAt",
    "createdBy",
    "expiresAt",
    "lastUsedAt",
    "previousSecretExpiresAt",
]
NOT_FOUND = b'{"detail":"Not found","code":"not_found"}'
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def key(make_key):
    """The caller's own key."""
    return make_key(name="Own", scopes=["orders:read", "orders:write"])


@pytest.fixture
def api(key):
    """A client with the full token of `key`."""
    return client_of(key)


@pytest.fixture
def child(key, api):
    """A key that `key` made, with its secret."""
    return row_of(api.create(name="Child", scopes=["orders:read"]))


def row_of(answer):
    """The row of a new or rotated key, with its secret."""
    assert answer.status_code in (200, 201), answer.content
    row = ApiKey.objects.get(public_key=answer.json()["totApiKey"])
    row.secret = answer.json()["totSecretKey"]
    return row


def reread(key):
    return ApiKey.objects.get(pk=key.pk)


# Shapes


@time_machine.travel(NOON, tick=False)
def test_new_key_is_shown_with_its_secret_this_once(make_key):
    key = make_key(scopes=["orders:read"])
    api = client_of(key)

    answer = api.create(name="Reporting", scopes=["orders:read"])

    shown = answer.json()
    assert answer.status_code == 201
    assert list(shown) == [*MEMBERS, "totSecretKey"]
    secret = shown.pop("totSecretKey")
    public_key = shown.pop("totApiKey")
    assert public_key.startswith("pk_live_tot_")
    assert secret.startswith("sk_live_tot_")
    assert shown == {
        "appDomain": key.app_domain.domain,
        "environment": "live",
        "name": "Reporting",
        "scopes": ["orders:read"],
        "status": "active",
        "secretHint": secret[-4:],
        "allowedIps": [],
        "canIssueTokens": True,
        "disabled": False,
        "createdAt": "2025-10-29T12:00:00.000Z",
        "createdBy": key.public_key,
        "expiresAt": "2026-01-27T12:00:00.000Z",
        "lastUsedAt": None,
        "previousSecretExpiresAt": None,
    }


def test_new_key_works_and_has_what_was_asked_for(key, api, post_token):
    answer = api.create(
        name="Ünï ☃",
        scopes=["orders:write", "orders:read"],
        expiresAt="2100-01-01T02:00:00+02:00",
        allowedIps=["127.0.0.0/8", "2001:DB8::/32", "127.0.0.0/8"],
        canIssueTokens=False,
    )

    shown = answer.json()
    assert shown["name"] == "Ünï ☃"
    assert shown["scopes"] == ["orders:read", "orders:write"]
    assert shown["expiresAt"] == "2100-01-01T00:00:00.000Z"
    assert shown["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]
    assert shown["canIssueTokens"] is False
    assert code_of(post_token(row_of(answer))) == (403, "insufficient_permissions")


def test_secret_is_shown_nowhere_but_where_it_was_made(key, api):
    created = api.create()
    rotated = api.rotate(row_of(created))

    later = [
        api.show(row_of(created)),
        api.list(),
        api.change(row_of(created), name="x"),
        api.revoke(row_of(created)),
    ]
    for answer in (created, rotated):
        secret = answer.json()["totSecretKey"]
        for other in later:
            assert secret not in other.content.decode()
            assert "totSecretKey" not in other.content.decode()
        stored = str(list(ApiKey.objects.values())) + str(list(KeyEvent.objects.values()))
        assert secret not in stored
    assert "sha256" not in "".join(answer.content.decode() for answer in (created, rotated, *later))
    assert "sha256" not in str(list(KeyEvent.objects.values()))


def test_key_is_shown_to_whom_its_domain_is(key, api, child):
    shown = api.show(child)

    assert shown.status_code == 200
    assert list(shown.json()) == MEMBERS
    assert shown.json() in api.list().json()["results"]


def test_creator_is_a_public_key_or_admin_never_a_persons_name(
    make_key, make_user, key, api, child
):
    boss = make_user(username="augusta")
    by_person = make_key(app_domain=key.app_domain, created_by=boss)

    assert api.show(child).json()["createdBy"] == key.public_key
    assert api.show(by_person).json()["createdBy"] == "admin"
    assert "augusta" not in api.list().content.decode()


@pytest.mark.parametrize(
    ("act", "status", "disabled"),
    [
        (lambda key: key, "active", False),
        (
            lambda key: lifecycle.shorten_key(key, timezone.now() + timedelta(days=13)),
            "expiring",
            False,
        ),
        (lambda key: lifecycle.shorten_key(key, timezone.now()), "expired", False),
        (lifecycle.disable_key, "disabled", True),
        (lifecycle.revoke_key, "revoked", False),
    ],
)
def test_status_is_told_and_filtered_by(make_key, key, api, act, status, disabled):
    other = make_key(app_domain=key.app_domain)
    act(other)

    assert (api.show(other).json()["status"], api.show(other).json()["disabled"]) == (
        status,
        disabled,
    )
    found = {shown["totApiKey"] for shown in api.list(status=status).json()["results"]}
    assert found == {other.public_key} | ({key.public_key} if status == "active" else set())


@pytest.mark.parametrize("url", [KEYS_URL, KEYS_URL + "/"])
def test_last_slash_of_the_list_is_optional(api, url):
    assert api.send("get", url).status_code == 200
    assert api.send("post", url, {"name": "x", "scopes": []}).status_code == 201


@pytest.mark.parametrize("slash", ["", "/"])
def test_last_slash_of_a_key_is_optional(api, child, slash):
    assert api.send("get", url_of(child) + slash).status_code == 200
    assert api.send("patch", url_of(child) + slash, {"name": "x"}).status_code == 200
    assert api.send("post", url_of(child) + "/rotate" + slash, {}).status_code == 200
    assert api.send("delete", url_of(child) + slash).status_code == 204


@pytest.mark.parametrize(
    "public_key",
    [
        "imported/key+1=",
        "a/b/rotate",
        "%2F&?#;",
        "key",
        "..",
        "rotate",
        "K" * 128,
        "~!$'()*,:@[]^`{|}<>",
    ],
)
def test_imported_key_of_any_characters_has_its_address(make_key, key, api, public_key):
    other = make_key(app_domain=key.app_domain, public_key=public_key)

    if not public_key.endswith("/rotate"):  # that is the address of another key's rotation
        assert api.show(other).json()["totApiKey"] == public_key
        assert api.change(other, disabled=True).json()["disabled"] is True
    assert api.rotate(other, totSecretKey=other.secret).json()["totApiKey"] == public_key


def test_public_key_is_compared_with_case(make_key, key, api):
    make_key(app_domain=key.app_domain, public_key="imported")

    assert api.show("imported").status_code == 200
    assert api.show("Imported").content == NOT_FOUND
    assert api.show("imported ").content == NOT_FOUND


@pytest.mark.parametrize("head", [KEYS_URL, None])
def test_head_is_get_without_a_body(api, child, head):
    answer = api.send("head", head or url_of(child))

    assert (answer.status_code, answer.content) == (200, b"")


# Pages


@pytest.fixture
def many(make_key, key):
    """119 keys of the domain beside the caller's own, oldest first."""
    like = reread(key)
    ApiKey.objects.bulk_create(
        ApiKey(
            public_key=f"k{number}", name=str(number), app_domain=like.app_domain, secret_hash="x"
        )
        for number in range(119)
    )
    make_key()  # of another domain


def test_list_comes_in_pages_newest_first(key, api, many):
    pages = [api.list(page=number).json() for number in (1, 2, 3)]

    names = [shown["name"] for page in pages for shown in page["results"]]
    assert names == [*(str(number) for number in reversed(range(119))), "Own"]
    assert [list(page) for page in pages] == [["count", "next", "previous", "results"]] * 3
    assert [(page["count"], len(page["results"])) for page in pages] == [
        (120, 50),
        (120, 50),
        (120, 20),
    ]
    url = "http://testserver" + KEYS_URL
    assert [page["next"] for page in pages] == [f"{url}?page=2", f"{url}?page=3", None]
    assert [page["previous"] for page in pages] == [None, f"{url}?page=1", f"{url}?page=2"]
    assert api.list().json() == pages[0]
    assert api.send("get", pages[0]["next"]).json() == pages[1]


def test_pages_keep_the_filter(key, api, many):
    first = api.list(status="active").json()

    assert first["next"] == f"http://testserver{KEYS_URL}?status=active&page=2"
    assert api.send("get", first["next"]).json()["count"] == 120
    assert api.list(status="revoked").json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


@pytest.mark.parametrize(
    "page", ["0", "-1", "2", "", "x", "1.0", "9" * 30, "²", "٢", "1 ", "+1", "\0"]
)
def test_page_that_is_none_is_not_found(key, api, page):
    answer = api.list(page=page)

    assert (answer.status_code, answer.content) == (404, NOT_FOUND)


@pytest.mark.parametrize("status", ["", "Active", "x", "\0", "active "])
def test_status_that_is_none_is_a_fault(key, api, status):
    answer = api.list(status=status)

    assert answer.status_code == 400
    assert answer.json() == {
        "status": ["Must be one of active, expiring, expired, disabled, revoked."]
    }


def test_list_costs_the_same_however_many_keys_there_are(key, api, django_assert_num_queries):
    api.list()
    with django_assert_num_queries(2):
        api.list()
    for _ in range(7):
        assert api.create().status_code == 201
    api.list()

    with django_assert_num_queries(2):
        assert api.list().json()["count"] == 8
    with django_assert_num_queries(1):
        api.show(key)


# What is asked


AT_ALL = [
    ("name", None, "This field may not be null."),
    ("name", "", "This field may not be blank."),
    ("name", " \t", "This field may not be blank."),
    ("name", 7, "Not a valid string."),
    ("name", ["a"], "Not a valid string."),
    ("name", {"a": "b"}, "Not a valid string."),
    ("name", "a" * 201, "Ensure this field has no more than 200 characters."),
    ("name", "a\0", "Null characters are not allowed."),
    ("name", "a\ud800", "Surrogate characters are not allowed."),
    *(
        ("scopes", value, "Not a list of scopes that an API key may be given.")
        for value in (
            None,
            "orders:read",
            [1],
            [None],
            [["orders:read"]],
            {"orders:read": 1},
            True,
            ["keys:manage"],
            ["orders:read", "keys:manage"],
            [""],
            ["a b"],
            ["ä"],
            ['"'],
            ["a\0"],
            ["\ud800"],
            [f"s{number}" for number in range(51)],
            ["s" * 1801],
        )
    ),
    *(
        ("expiresAt", value, "Not a date and time with its time zone (RFC 3339), or null.")
        for value in (
            "",
            0,
            4102444800,
            True,
            ["2100-01-01T00:00:00Z"],
            "tomorrow",
            "2100-01-01",
            "2100-01-01T00:00:00",
            "2100-13-01T00:00:00Z",
            "2100-01-01T25:00:00Z",
            "2100-02-30T00:00:00Z",
            "9999-12-31T23:59:59-12:00",
            "0001-01-01T00:00:00+12:00",
            "10000-01-01T00:00:00Z",
            "2100-01-01T00:00:00Z\0",
            "2100-01-01T00:00:00Z\n",
            "2100-01-01T00:00:00+00:00x",
            "2100-01-01T00:00Z",
            "2100-W01-1T00:00:00Z",
            "２100-01-01T00:00:00Z",
            "2100-01-01T00:00:60Z",
            " 2100-01-01T00:00:00Z",
            "2100-01-01T00:00:00+99:00",
        )
    ),
    ("expiresAt", "2020-01-01T00:00:00Z", "Must be in the future."),
    ("expiresAt", "0001-01-01T00:00:00Z", "Must be in the future."),
    *(  # type: ignore[var-annotated]
        ("allowedIps", value, "Not a list of networks in CIDR notation.")
        for value in (
            None,
            "10.0.0.0/8",
            [167772160],
            [True],
            [["10.0.0.0/8"]],
            {},
            [""],
            ["10.0.0.1/8"],
            ["10.0.0.0/33"],
            ["10.0.0"],
            ["example.com"],
            ["10.0.0.0/8\0"],
            ["10.0.0.0/8 192.0.2.0/24"],
            # Zones of IPv6 (RFC 4007) may hold anything, spaces and NUL too.
            ["fe80::1%eth0"],
            ["fe80::1%a b"],
            ["::%x 0.0.0.0/0"],
            ["fe80::1%\0"],
            ["fe80::1%\ud800"],
        )
    ),
]
NO_BOOLEANS: tuple[object, ...] = (0, 1, "true", "", None, [], "false")


def one_fault(answer, member, fault):
    assert (answer.status_code, answer.json()) == (400, {member: [fault]})


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [*AT_ALL, *(("canIssueTokens", value, "Must be true or false.") for value in NO_BOOLEANS)],
)
def test_fault_of_a_new_key_is_told_by_member(api, member, value, fault):
    before = ApiKey.objects.count()

    one_fault(api.create(**{member: value}), member, fault)
    assert ApiKey.objects.count() == before


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [*AT_ALL, *(("disabled", value, "Must be true or false.") for value in NO_BOOLEANS)],
)
def test_fault_of_a_change_is_told_by_member(api, child, member, value, fault):
    one_fault(api.change(child, **{member: value}), member, fault)
    assert ApiKey.objects.filter(pk=child.pk).values().get() == vars_of(child)


def vars_of(key):
    return {field.attname: getattr(key, field.attname) for field in key._meta.concrete_fields}


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [
        *(
            ("graceSeconds", value, "Must be a whole number of seconds from 0 to 604800.")
            for value in (True, False, None, "60", 1.0, 1.5, -1, 604801, 10**40, [60])
        ),
        *(("cascade", value, "Must be true or false.") for value in NO_BOOLEANS),
        ("totSecretKey", None, "This field may not be null."),
        ("totSecretKey", "", "This field may not be blank."),
        ("totSecretKey", 7, "Not a valid string."),
        ("totSecretKey", "a" * 513, "Ensure this field has no more than 512 characters."),
        ("totSecretKey", "a\0", "Null characters are not allowed."),
        ("totSecretKey", "a\ud800", "Surrogate characters are not allowed."),
    ],
)
def test_fault_of_a_rotation_is_told_by_member(api, child, member, value, fault):
    one_fault(api.rotate(child, **{member: value}), member, fault)
    assert reread(child).secret_hash == child.secret_hash


@pytest.mark.parametrize("flag", ["cascade", "force"])
@pytest.mark.parametrize("value", ["", "1", "0", "yes", "on", "\0"])
def test_fault_of_a_revocation_is_told_by_flag(api, child, flag, value):
    one_fault(api.revoke(child, **{flag: value}), flag, "Must be true or false.")
    assert reread(child).revoked_at is None


def test_all_faults_are_told_at_once(api, child):
    required = ["This field is required."]

    assert api.send("post", KEYS_URL, {}).json() == {"name": required, "scopes": required}
    assert list(api.create(name=1, zebra=2, disabled=True).json()) == ["non_field_errors", "name"]


@pytest.mark.parametrize(
    ("call", "members"),
    [
        (
            lambda api, key, **sent: api.create(**sent),
            "allowedIps, canIssueTokens, expiresAt, name, scopes",
        ),
        (KeysClient.change, "allowedIps, disabled, expiresAt, name, scopes"),
        (KeysClient.rotate, "cascade, graceSeconds, totSecretKey"),
    ],
)
@pytest.mark.parametrize(
    "member", ["environment", "appDomain", "createdBy", "generation", "Name", "zebra\ud800", ""]
)
def test_unknown_member_is_a_fault(api, child, call, members, member):
    answer = call(api, child, **{member: "x"})

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": [f"Unknown member. Known are: {members}."]}
    assert vars_of(reread(child)) == vars_of(child)


def calls_with_a_body(child):
    return [("post", KEYS_URL), ("patch", url_of(child)), ("post", url_of(child) + "/rotate")]


@pytest.mark.req("C3")
@pytest.mark.parametrize(
    "sent",
    [
        b" ",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"name": NaN}',
        b'{"name": "a", "name": "a"}',
        b'{"name": "a", "n\\u0061me": "b"}',
        b'{"zebra": 1, "zebra": 1}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
        b"[" * 8000,
    ],
)
def test_body_that_is_no_plain_object_is_malformed(api, child, sent):
    for method, url in calls_with_a_body(child):
        assert code_of(api.send(method, url, sent)) == (400, "malformed_request")


def test_empty_body_asks_for_nothing_or_is_malformed(api, child):
    def call(method, url):
        return api.client.generic(method, url, headers=api.headers, CONTENT_TYPE="application/json")

    assert code_of(call("PATCH", url_of(child))) == (400, "malformed_request")
    assert code_of(call("POST", KEYS_URL)) == (400, "malformed_request")
    assert call("POST", url_of(child) + "/rotate").status_code == 200


@pytest.mark.parametrize(
    "content_type", [FORM, "multipart/form-data; boundary=x", "text/plain", "", "application/x"]
)
def test_other_content_type_is_unsupported(api, child, content_type):
    for method, url in calls_with_a_body(child):
        answer = api.client.generic(
            method.upper(), url, b"name=x", content_type=content_type, headers=api.headers
        )
        assert code_of(answer) == (415, "unsupported_media_type")


@pytest.mark.req("C3")
def test_body_over_8_kib_is_too_large(api, child):
    for method, url in calls_with_a_body(child):
        assert code_of(api.send(method, url, b" " * 8193)) == (413, "request_too_large")
    assert api.send("patch", url_of(child), b'{"name": "x"}'.ljust(8192)).status_code == 200


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        (lambda key: KEYS_URL, {"GET", "HEAD", "POST"}),
        (url_of, {"GET", "HEAD", "PATCH", "DELETE"}),
        (lambda key: url_of(key) + "/rotate", {"POST"}),
    ],
)
def test_other_methods_are_not_allowed(api, child, call, allowed):
    for method in {
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
    } - allowed:
        answer = api.client.generic(method, call(child), headers=api.headers)

        assert answer.status_code == 405, method
        assert set(answer.headers["Allow"].split(", ")) == allowed
        assert answer.headers["Cache-Control"] == "no-store"
        if method != "HEAD":
            assert answer.json()["code"] == "method_not_allowed"
    assert reread(child).revoked_at is None


# Who asks


def every_call(api, key):
    """One answer of each endpoint; the last revokes the key."""
    yield api.list()
    yield api.create()
    yield api.show(key)
    yield api.change(key, name="x")
    yield api.rotate(key)
    yield api.revoke(key)


@pytest.mark.req("F2", "C2")
@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        (None, "not_authenticated", 'Bearer realm="api"'),
        ("Basic eDp5", "not_authenticated", 'Bearer realm="api"'),
        ("Bearer x", "token_malformed", "Token is malformed"),
        ("Bearer aa.bb.cc", "token_invalid", "Token is invalid"),
        ("expired", "token_expired", "Token has expired"),
        ("old generation", "token_revoked", "Token has been revoked"),
    ],
)
def test_without_a_good_token_each_call_is_401_with_its_challenge(
    key, child, authorization, code, challenge
):
    made = {
        "expired": lambda: sign(claims_for(key, scope="keys:manage", iat=1, exp=2)),
        "old generation": lambda: sign(claims_for(key, scope="keys:manage", ver=7)),
    }
    api = KeysClient()
    if authorization is not None:
        api.headers = {
            "Authorization": f"Bearer {made[authorization]()}"
            if authorization in made
            else authorization
        }

    for answer in every_call(api, child):
        assert code_of(answer) == (401, code)
        assert challenge in answer.headers["WWW-Authenticate"]
    assert vars_of(reread(child)) == vars_of(child)


@pytest.mark.req("F2")
def test_credentials_themselves_are_no_token(key, child):
    api = KeysClient()
    api.headers = {
        "Tot-App-Domain": key.app_domain.domain,
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }

    for answer in every_call(api, child):
        assert code_of(answer) == (401, "not_authenticated")
    assert code_of(api.create(**body(key))) == (401, "not_authenticated")


def test_keys_beside_a_token_are_two_methods(api, child):
    api.headers["Tot-Api-Key"] = "x"

    assert {code_of(answer) for answer in every_call(api, child)} == {(400, "malformed_request")}


@pytest.mark.req("F2")
def test_token_without_the_right_to_manage_keys_is_told_which_it_lacks(key, child):
    for answer in every_call(client_of(key, scopes=["orders:read", "orders:write"]), child):
        assert code_of(answer) == (403, "insufficient_scope")
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="api", error="insufficient_scope", scope="keys:manage"'
        )
    assert vars_of(reread(child)) == vars_of(child)


@pytest.mark.req("F4")
def test_where_the_host_says_so_there_is_neither_scope_nor_endpoint(
    key, api, child, make_token, settings
):
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}

    assert claims_of(make_token(key))["scope"] == "orders:read orders:write"
    for caller in (api, client_of(key), KeysClient()):
        for answer in every_call(caller, child):
            assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert vars_of(reread(child)) == vars_of(child)

    settings.TOT_JWT = {}
    assert api.list().status_code == 200


@pytest.mark.req("F2")
@pytest.mark.parametrize(
    "which", ["unknown", "other domain", "other environment", "odd", "nul", "long"]
)
@pytest.mark.parametrize("sent", [b"{}", b"{", b"[" * 9000, b'{"zebra": 1}', b""])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_key_out_of_reach_is_not_found_before_the_body_is_looked_at(
    key, api, make_key, which, sent, content_type
):
    public_key = {
        "other domain": lambda: make_key().public_key,
        "other environment": lambda: (
            make_key(app_domain=key.app_domain, environment="test").public_key
        ),
        "unknown": lambda: "pk_live_tot_unknown",
        "odd": lambda: "é☃ '\"\\",
        "nul": lambda: "a\0",
        "long": lambda: "k" * 5000,
    }[which]()

    for method, url in [
        ("GET", url_of(public_key)),
        ("PATCH", url_of(public_key)),
        ("DELETE", url_of(public_key) + "?force=nonsense"),
        ("POST", url_of(public_key) + "/rotate"),
    ]:
        answer = api.client.generic(
            method, url, sent, content_type=content_type, headers=api.headers
        )
        assert (answer.status_code, answer.content) == (404, NOT_FOUND), method
        assert {name: value for name, value in answer.headers.items() if "no-" in value} == {
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
        }


@pytest.mark.req("F2")
def test_list_is_of_the_callers_domain_and_environment(key, api, make_key):
    make_key()
    make_key(app_domain=key.app_domain, environment="test")

    assert [shown["totApiKey"] for shown in api.list().json()["results"]] == [key.public_key]


@pytest.mark.req("A11")
@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lifecycle.revoke_key, 401),
        (lifecycle.disable_key, 401),
        (lifecycle.end_tokens, 401),
        (lambda key: suspend_domain(key.app_domain), 401),
        (lambda key: ApiKey.objects.filter(pk=key.pk).update(allowed_ips="192.0.2.0/24"), 403),
    ],
)
def test_what_ended_while_the_process_remembers_ends_no_later_for_changes(
    key, api, child, act, status, monkeypatch
):
    """The memory of another process would still grant; the row that is locked does not."""
    api.list()
    monkeypatch.setattr(key_state, "reset", lambda: None)
    monkeypatch.setattr(key_state, "drop", lambda **_: None)
    remembered = dict(key_state._states)
    act(key)
    key_state._states.update(remembered)

    assert api.list().status_code == 200  # at most KEY_STATE_MAX_AGE longer
    for answer in (api.create(), api.change(child, name="x"), api.rotate(child), api.revoke(child)):
        assert answer.status_code == status
    monkeypatch.undo()
    assert ApiKey.objects.filter(app_domain=key.app_domain).count() == 2
    assert vars_of(reread(child)) == vars_of(child)


# Every answer


@pytest.mark.req("C5")
@pytest.mark.parametrize("accept", ["text/html", "nonsense"])
def test_every_answer_is_json_and_not_stored(key, api, child, accept):
    api.client.defaults["HTTP_ACCEPT"] = accept
    answers = [
        *every_call(api, child),
        api.rotate(child),
        api.change(key, name="x"),
        api.show("x"),
        api.create(name=1),
        api.send("post", KEYS_URL, b"x" * 9000),
        api.send("put", KEYS_URL),
        KeysClient().list(),
        client_of(key, scopes="orders:read").list(),
    ]

    statuses = [200, 201, 200, 200, 200, 204, 409, 403, 404, 400, 413, 405, 401, 403]
    assert [answer.status_code for answer in answers] == statuses
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"
        if answer.status_code == 204:
            assert answer.content == b""
        else:
            assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.req("C5")
def test_nothing_refused_is_echoed(key, api, child):
    marker = "zebra7"
    answers = [
        api.show(marker),
        api.list(status=marker),
        api.list(page=marker),
        api.create(**{marker: marker}),
        api.create(
            name=[marker], scopes=[f"{marker} {marker}"], allowedIps=[marker], expiresAt=marker
        ),
        api.create(scopes=[marker]),
        api.change(child, scopes=[marker]),
        api.change(child, disabled=marker, **{marker: 1}),
        api.rotate(key, totSecretKey=marker),
        api.rotate(child, graceSeconds=marker),
        api.revoke(child, force=marker),
        api.send("post", KEYS_URL, marker.encode()),
    ]

    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert marker not in (answer.content.decode() + str(answer.headers)).lower()


@pytest.mark.req("C5")
def test_answers_are_never_translated(api, child, settings):
    settings.LANGUAGE_CODE = "de"
    api.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    assert api.show("x").content == NOT_FOUND
    assert api.list(status="x").json()["status"][0].startswith("Must be one of active, expiring,")


@pytest.mark.req("D4")
def test_views_stay_outside_the_hosts_atomic_requests():
    from tot_jwt import urls

    assert [pattern.callback._non_atomic_requests for pattern in urls.urlpatterns] == [
        {"default"}
    ] * 4


@pytest.mark.req("D2")
def test_database_gone_is_503(api, child, monkeypatch):
    from django.db import OperationalError
    from django.db.backends.utils import CursorWrapper

    def fail(*args):
        raise OperationalError("gone")

    monkeypatch.setattr(CursorWrapper, "execute", fail)
    for answer in (api.list(), api.create(), api.show(child), api.revoke(child)):
        assert code_of(answer) == (503, "service_unavailable")
        assert answer.headers["Retry-After"] == "5"


# Making


@pytest.mark.parametrize("sent", [{}, {"expiresAt": None}])
def test_key_without_end_makes_keys_of_90_days_unless_told_otherwise(key, api, sent):
    with time_machine.travel(NOON, tick=False):
        shown = client_of(key).create(**sent).json()

    assert shown["expiresAt"] == (None if sent else "2026-01-27T12:00:00.000Z")


def test_new_key_inherits_the_end_and_the_addresses_of_its_maker(make_key):
    ends = timezone.now().replace(microsecond=0) + timedelta(days=30)
    maker = make_key(expires_at=ends, allowed_ips=["127.0.0.0/8", "2001:db8::/32"])

    shown = client_of(maker).create().json()

    assert datetime.fromisoformat(shown["expiresAt"]) == ends
    assert shown["allowedIps"] == ["127.0.0.0/8", "2001:db8::/32"]


def test_new_key_is_of_its_makers_environment(make_key):
    shown = client_of(make_key(environment="test")).create().json()

    assert shown["environment"] == "test"
    assert shown["totApiKey"].startswith("pk_test_")
    assert shown["totSecretKey"].startswith("sk_test_")


def test_more_keys_than_a_domain_may_have_are_refused(key, api, settings, make_key):
    settings.TOT_JWT = {"MAX_ACTIVE_KEYS_PER_DOMAIN": 3}
    make_key(app_domain=key.app_domain, revoked_at=NOON)
    make_key(app_domain=key.app_domain, expires_at=NOON)
    make_key()
    second, third = row_of(api.create()), row_of(api.create())

    assert code_of(api.create()) == (409, "too_many_keys")
    assert make_key(app_domain=key.app_domain).pk  # administrators are not held up
    lifecycle.revoke_key(second)
    assert code_of(api.create()) == (409, "too_many_keys")
    lifecycle.revoke_key(third)
    assert api.create().status_code == 201


@pytest.mark.req("D5")
def test_disabled_or_expired_keys_do_not_come_back_over_the_quota(key, api, settings):
    settings.TOT_JWT = {"MAX_ACTIVE_KEYS_PER_DOMAIN": 2}
    disabled = row_of(api.create())
    assert api.change(disabled, disabled=True).status_code == 200
    expired = row_of(api.create())
    lifecycle.shorten_key(expired, timezone.now())
    other = row_of(api.create())

    assert code_of(api.change(disabled, disabled=False)) == (409, "too_many_keys")
    assert code_of(api.change(expired, expiresAt="2100-01-01T00:00:00Z")) == (409, "too_many_keys")
    assert api.change(disabled, name="still disabled").status_code == 200
    assert api.change(other, name="active all the same").status_code == 200
    assert api.revoke(other).status_code == 204
    assert api.change(disabled, disabled=False).status_code == 200


def test_scope_that_the_catalogue_lacks_is_not_given(make_key, settings):
    key = make_key(scopes=["old", "new"])
    child = row_of(client_of(key).create(scopes=["old", "new"]))
    settings.TOT_JWT = {"SCOPES": {"new": "New"}}
    api = client_of(key)

    assert code_of(api.create(scopes=["old"])) == (400, "malformed_request")
    assert api.create(scopes=["new"]).status_code == 201
    assert api.change(child, name="x").json()["scopes"] == ["new", "old"]
    assert api.change(child, scopes=["new"]).status_code == 200
    assert code_of(api.change(child, scopes=["new", "old"])) == (400, "malformed_request")


# Changing


def test_changes_are_made_and_shown(api, child):
    answer = api.change(
        child,
        name="Renamed",
        scopes=["orders:read", "orders:write"],
        expiresAt="2099-06-30T12:00:00Z",
        allowedIps=["192.0.2.0/24"],
        disabled=True,
    )

    assert answer.status_code == 200
    assert list(answer.json()) == MEMBERS
    shown = answer.json()
    assert (shown["name"], shown["scopes"]) == ("Renamed", ["orders:read", "orders:write"])
    assert (shown["expiresAt"], shown["allowedIps"]) == (
        "2099-06-30T12:00:00.000Z",
        ["192.0.2.0/24"],
    )
    assert (shown["status"], shown["disabled"]) == ("disabled", True)
    assert api.show(child).json() == shown


@pytest.mark.parametrize(
    "member",
    ["nothing", "name", "scopes", "expiresAt", "allowedIps", "disabled", "all"],
)
def test_change_of_nothing_writes_nothing(key, api, child, member):
    lifecycle.shorten_key(child, timezone.now().replace(microsecond=123_456) + timedelta(days=1))
    shown = api.show(child).json()
    changeable = {
        name: shown[name] for name in ("name", "scopes", "expiresAt", "allowedIps", "disabled")
    }
    sent = {"nothing": {}, "all": changeable}.get(member) or {
        name: shown[name] for name in [member] if name in shown
    }
    events = KeyEvent.objects.count()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = api.change(child, **sent)

    assert (answer.status_code, answer.json()) == (200, shown)
    assert [
        query["sql"] for query in queries if query["sql"].lstrip().startswith(("UPDATE", "INSERT"))
    ] == []
    assert KeyEvent.objects.count() == events


def test_disabled_key_and_its_tokens_rest_until_it_is_enabled(
    api, child, post_token, make_token, get_token
):
    token = make_token(child)

    assert api.change(child, disabled=True).json()["status"] == "disabled"
    assert (post_token(child).status_code, code_of(get_token(token))) == (
        401,
        (401, "token_revoked"),
    )
    first = reread(child).disabled_at
    assert api.change(child, disabled=True).status_code == 200
    assert reread(child).disabled_at == first

    assert api.change(child, disabled=False).json()["status"] == "active"
    assert (post_token(child).status_code, get_token(token).status_code) == (200, 200)


def test_revoked_key_is_neither_changed_nor_rotated(key, api, child):
    api.revoke(child)
    before = vars_of(reread(child))

    for answer in (
        api.change(child, name="x"),
        api.change(child, disabled=True),
        api.change(child, disabled=False),
        api.rotate(child),
        api.rotate(child, graceSeconds=0),
    ):
        assert code_of(answer) == (409, "key_revoked")
    assert vars_of(reread(child)) == before


def test_shorter_life_is_the_childrens_too(key, api, make_key):
    late, early, revoked = (
        row_of(api.create(expiresAt=f"{year}-01-01T00:00:00Z")) for year in (2095, 2050, 2095)
    )
    endless = row_of(api.create(expiresAt=None))
    other = make_key(app_domain=key.app_domain)
    api.revoke(revoked)

    assert api.change(key, expiresAt="2090-01-01T00:00:00Z").status_code == 200

    ends = [
        reread(row).expires_at and reread(row).expires_at.year
        for row in (late, early, revoked, endless, other)
    ]
    assert ends == [2090, 2050, 2095, 2090, None]
    event = KeyEvent.objects.get(key=late, action="changed")
    assert event.changes == {
        "expires_at": ["2095-01-01T00:00:00+00:00", "2090-01-01T00:00:00+00:00"]
    }
    assert event.actor == key.public_key
    assert not KeyEvent.objects.filter(key=early, action="changed").exists()


@pytest.mark.parametrize(
    "host", [{"USE_TZ": False, "TIME_ZONE": "America/Chicago"}, {"USE_TZ": False}]
)
@pytest.mark.parametrize("year", [2030, 9999])
def test_dates_are_in_utc_where_the_host_has_no_time_zones(make_key, host, year):
    with override_settings(**host):
        api = client_of(make_key())
        child = api.create(expiresAt=f"{year}-07-01T12:00:00+02:00")
        last = api.create(expiresAt="9999-12-29T12:00:00Z")

        assert child.json()["expiresAt"] == f"{year}-07-01T10:00:00.000Z"
        assert (
            api.show(child.json()["totApiKey"]).json()["expiresAt"] == f"{year}-07-01T10:00:00.000Z"
        )
        assert (
            api.change(child.json()["totApiKey"], expiresAt="2031-01-01T00:00:00Z").status_code
            == 200
        )
        assert last.json()["expiresAt"] == "9999-12-29T12:00:00.000Z"
        assert api.list().status_code == 200


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_last_expiry_that_can_be_is_shown_everywhere(make_key, admin_client, use_tz, zone):
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        api = client_of(make_key())
        made = api.create(expiresAt="9999-12-29T00:00:00Z")

        assert made.status_code == 201
        assert api.list().status_code == 200
        for page in ("apikey/", f"apikey/{ApiKey.objects.latest('pk').pk}/change/", "keyevent/"):
            assert admin_client.get(f"/admin/tot_jwt/{page}").status_code == 200
        assert api.create(expiresAt="9999-12-31T00:00:00Z").status_code == 400


# Rotating


@time_machine.travel(NOON, tick=False)
def test_rotation_gives_a_new_secret_and_leaves_the_old_one_a_day(
    make_key, post_token, make_token, get_token
):
    api = client_of(make_key())
    child = row_of(api.create())
    token = make_token(child)

    answer = api.rotate(child)

    assert answer.status_code == 200
    assert list(answer.json()) == [*MEMBERS, "totSecretKey"]
    assert answer.json()["totSecretKey"] != child.secret
    assert answer.json()["secretHint"] == answer.json()["totSecretKey"][-4:]
    assert answer.json()["previousSecretExpiresAt"] == "2025-10-30T12:00:00.000Z"
    for secret in (child.secret, answer.json()["totSecretKey"]):
        assert post_token(child, totSecretKey=secret).status_code == 200
    assert get_token(token).status_code == 200


@pytest.mark.parametrize("grace", [1, 3600, 604800])
def test_old_secret_ends_with_the_grace_and_the_new_one_lives_on(api, child, post_token, grace):
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        new = api.rotate(child, graceSeconds=grace).json()["totSecretKey"]
        for ahead, status in [(grace - 0.5, 200), (0.5, 401)]:
            traveller.shift(ahead)
            assert post_token(child).status_code == status
            assert post_token(child, totSecretKey=new).status_code == 200


def test_old_secret_never_outlives_the_key(api, post_token):
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as traveller:
        ends = timezone.now() + timedelta(hours=1)
        child = row_of(api.create(expiresAt=ends.isoformat()))

        shown = api.rotate(child).json()

        assert shown["previousSecretExpiresAt"] == shown["expiresAt"]
        traveller.shift(3600)
        for secret in (child.secret, shown["totSecretKey"]):
            assert post_token(child, totSecretKey=secret).status_code == 401


def test_second_rotation_within_the_grace_is_refused_and_changes_nothing(api, child, post_token):
    new = api.rotate(child, graceSeconds=60).json()["totSecretKey"]
    before = vars_of(reread(child))

    for sent in ({}, {"graceSeconds": 1}, {"totSecretKey": new}):
        assert code_of(api.rotate(child, **sent)) == (409, "previous_secret_still_valid")
    assert vars_of(reread(child)) == before
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert api.rotate(child).status_code == 200


@pytest.mark.parametrize("within_a_grace", [False, True])
def test_rotation_without_grace_ends_both_secrets_and_all_tokens(
    api, child, post_token, make_token, get_token, within_a_grace
):
    token = make_token(child)
    old = [child.secret]
    if within_a_grace:
        old.append(api.rotate(child).json()["totSecretKey"])

    answer = api.rotate(child, graceSeconds=0)

    assert answer.json()["previousSecretExpiresAt"] is None
    for secret in old:
        assert post_token(child, totSecretKey=secret).status_code == 401
    assert code_of(get_token(token)) == (401, "token_revoked")
    fresh = post_token(child, totSecretKey=answer.json()["totSecretKey"])
    assert get_token(fresh.json()["token"]).status_code == 200


def test_own_key_is_rotated_with_its_secret_and_the_caller_goes_on_or_ends(key, api):
    first = api.rotate(key, totSecretKey=key.secret)
    assert first.status_code == 200
    assert api.list().status_code == 200

    assert (
        api.rotate(key, totSecretKey=first.json()["totSecretKey"], graceSeconds=0).status_code
        == 200
    )
    assert code_of(api.list()) == (401, "token_revoked")


def test_rotation_with_cascade_revokes_what_the_key_made(key, api, child):
    assert api.rotate(key, totSecretKey=key.secret, cascade=False).status_code == 200
    assert reread(child).revoked_at is None
    current = api.rotate(key, totSecretKey=key.secret, cascade=True)
    assert code_of(current) == (
        403,
        "secret_required",
    )  # the previous secret is not the current one

    lifecycle.end_previous_secret(key)
    assert reread(key).previous_secret_hash == ""
    secret = lifecycle.rotate_key(key, grace=timedelta(0))[1].reveal()
    key.secret = secret
    assert client_of(key).rotate(key, totSecretKey=secret, cascade=True).status_code == 200
    assert reread(child).revoked_at is not None


def test_rotation_that_is_refused_has_revoked_nothing(key, api, child):
    secret = api.rotate(key, totSecretKey=key.secret).json()["totSecretKey"]

    answer = api.rotate(key, totSecretKey=secret, cascade=True)

    assert code_of(answer) == (409, "previous_secret_still_valid")
    assert reread(child).revoked_at is None


def test_disabled_key_can_be_rotated_and_stays_disabled(api, child, post_token):
    api.change(child, disabled=True)

    answer = api.rotate(child)

    assert (answer.status_code, answer.json()["status"]) == (200, "disabled")
    assert post_token(child, totSecretKey=answer.json()["totSecretKey"]).status_code == 401


# Revoking


def test_revocation_is_for_ever_and_may_be_repeated(api, child, post_token, make_token, get_token):
    token = make_token(child)

    assert api.revoke(child).status_code == 204
    first = reread(child).revoked_at
    assert (post_token(child).status_code, code_of(get_token(token))) == (
        401,
        (401, "token_revoked"),
    )
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert api.revoke(child).status_code == 204
    assert reread(child).revoked_at == first
    assert KeyEvent.objects.filter(key=child, action="revoked").count() == 1
    assert api.show(child).json()["status"] == "revoked"


@pytest.mark.parametrize("cascade", ["true", "TRUE", "false", None])
def test_revocation_with_cascade_is_the_childrens_too(key, api, child, make_key, cascade):
    bystander = make_key(app_domain=key.app_domain)

    assert api.revoke(key, **({"cascade": cascade} if cascade else {})).status_code == 204

    assert reread(key).revoked_at is not None
    assert (reread(child).revoked_at is not None) is (cascade in ("true", "TRUE"))
    assert reread(bystander).revoked_at is None
    assert {event.actor for event in KeyEvent.objects.filter(action="revoked")} == {key.public_key}
    assert code_of(api.list()) == (401, "token_revoked")


def test_last_active_key_is_only_revoked_by_force(key, api, make_key):
    make_key(app_domain=key.app_domain, disabled_at=NOON)
    make_key(app_domain=key.app_domain, expires_at=NOON)
    make_key(app_domain=key.app_domain, environment="test")
    make_key()

    assert code_of(api.revoke(key)) == (409, "last_active_key")
    assert code_of(api.revoke(key, force="false")) == (409, "last_active_key")
    assert reread(key).revoked_at is None
    assert api.revoke(key, force="true").status_code == 204


def test_children_that_fall_with_the_last_key_do_not_save_it_and_stay_when_it_stays(
    key, api, child
):
    assert code_of(api.revoke(key, cascade="true")) == (409, "last_active_key")
    assert reread(child).revoked_at is None
    assert api.revoke(key, cascade="true", force="true").status_code == 204
    assert reread(child).revoked_at is not None


def test_key_that_works_no_more_is_not_the_last_active_one(key, api, child):
    api.change(child, disabled=True)

    assert api.revoke(child).status_code == 204


# On record


def acts(key):
    """What is on record of the key, oldest first."""
    return list(KeyEvent.objects.filter(key=key).order_by("pk").values_list("action", flat=True))


def test_each_act_is_on_record_with_who_did_it_and_what_changed(key, make_token):
    token = make_token(key)
    api = KeysClient(token, REMOTE_ADDR="2001:db8::7")
    with time_machine.travel(NOON, tick=False):
        old = sign(claims_for(key, scope="keys:manage orders:read", jti="c0" * 16))
        created = KeysClient(old, REMOTE_ADDR="2001:db8::7").create(
            name="Child", scopes=["orders:read"]
        )
    child = row_of(created)
    hint = child.secret_hint
    rotated = api.rotate(child, graceSeconds=0)
    api.change(
        child,
        name="Other",
        scopes=[],
        allowedIps=["192.0.2.0/24"],
        expiresAt="2100-01-01T00:00:00Z",
    )
    api.change(child, disabled=True)
    api.change(child, disabled=False)
    api.revoke(child)

    assert acts(child) == ["created", "rotated", "changed", "disabled", "enabled", "revoked"]
    events = KeyEvent.objects.filter(key=child).order_by("pk")
    for event in events:
        assert event.app_domain == key.app_domain
        assert (event.actor, event.user, event.address) == (key.public_key, None, "2001:db8::7")
        assert event.jti == ("c0" * 16 if event.action == "created" else claims_of(token)["jti"])
    assert events[0].at == NOON
    assert events[0].changes == {
        "name": [None, "Child"],
        "scopes": [None, "orders:read"],
        "expires_at": [None, "2026-01-27T12:00:00.250000+00:00"],
        "allowed_ips": [None, ""],
        "can_issue_tokens": [None, True],
        "secret_hint": [None, hint],
        "generation": [None, 1],
    }
    assert events[1].changes == {
        "secret_hint": [hint, rotated.json()["secretHint"]],
        "generation": [1, 2],
    }
    assert events[2].changes == {
        "name": ["Child", "Other"],
        "scopes": ["orders:read", ""],
        "expires_at": ["2026-01-27T12:00:00.250000+00:00", "2100-01-01T00:00:00+00:00"],
        "allowed_ips": ["", "192.0.2.0/24"],
    }
    assert [event.changes for event in events[3:]] == [{}, {}, {}]


def test_what_is_refused_is_not_on_record(key, api, child):
    before = KeyEvent.objects.count()

    api.create(scopes=["not:held"])
    api.change(child, scopes=["not:held"])
    api.change(key, name="x")
    api.rotate(key)
    api.revoke("x")

    assert KeyEvent.objects.count() == before


def test_event_is_signalled_after_the_commit(key, api, django_capture_on_commit_callbacks):
    received = []

    def receive(event, **kwargs):
        received.append((event.action, event.key.public_key))

    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=False) as callbacks:
            answer = api.create()
        assert received == []
        for callback in callbacks:
            callback()
    finally:
        key_event.disconnect(receive)

    assert received == [("created", answer.json()["totApiKey"])]


def test_receiver_that_fails_stops_nobody(key, api, django_capture_on_commit_callbacks):
    def fail(**kwargs):
        raise RuntimeError

    key_event.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert api.create().status_code == 201
    finally:
        key_event.disconnect(fail)


def test_act_and_record_are_one_transaction(key, api, child, monkeypatch):
    from tot_jwt.keys import record as events

    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr(events.KeyEvent.objects, "create", fail)
    for call in (api.create, lambda: api.rotate(child), lambda: api.revoke(child)):
        with pytest.raises(RuntimeError):
            call()

    assert vars_of(reread(child)) == vars_of(child)
    assert ApiKey.objects.count() == 2


def test_record_is_permanent(key):
    event = KeyEvent.objects.get(key=key)
    event.actor = "nobody"

    for change in (
        event.save,
        event.delete,
        KeyEvent.objects.all().delete,
        lambda: KeyEvent.objects.update(actor="x"),
        lambda: KeyEvent.objects.bulk_update([event], ["actor"]),
        lambda: KeyEvent.objects.update_or_create(pk=event.pk, defaults={"actor": "x"}),
        KeyEvent(pk=event.pk, app_domain=event.app_domain, at=event.at).save,
        key.events.all().delete,
    ):
        with pytest.raises(RecordIsPermanent), transaction.atomic():
            change()
    assert KeyEvent.objects.get(pk=event.pk).actor == "system"


def test_record_says_who_it_was_when_the_account_is_gone(make_key, make_user):
    boss = make_user(username="augusta")
    key = lifecycle.disable_key(make_key(), by=person(boss, "192.0.2.1"))

    boss.delete()

    event = KeyEvent.objects.get(key=key, action="disabled")
    assert (event.user, event.actor, event.address) == (None, "augusta", "192.0.2.1")


def test_pruning_takes_old_events_only(make_key):
    with time_machine.travel(NOON, tick=False):
        old = make_key()
    key = make_key()

    assert KeyEvent.objects.prune(NOON) == 0
    assert KeyEvent.objects.prune(NOON + timedelta(seconds=1)) == 1
    assert (acts(old), acts(key)) == ([], ["created"])


def test_actor_of_unusual_length_is_recorded(key, make_user):
    lifecycle.disable_key(key, by=Actor("k" * 255, jti="j" * 64, address="a" * 64))

    assert acts(key) == ["created", "disabled"]


def test_body_of_a_list_is_compact_json(api):
    content = api.list().content.decode()

    assert content == json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False)
