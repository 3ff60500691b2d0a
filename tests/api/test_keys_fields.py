"""The keys endpoints: rejected members and their messages (contract §5)."""

import pytest

from tests.support.keys_client import KEYS_URL, KeysClient
from tests.support.messages import (
    BLANK,
    NOT_A_BOOLEAN,
    NOT_A_GRACE,
    NOT_A_MOMENT,
    NOT_A_STRING,
    NOT_IN_FUTURE,
    NOT_KEY_SCOPES,
    NOT_NETWORKS,
    NUL_CHARACTER,
    NULL,
    REQUIRED,
    SURROGATE,
    TOO_LONG,
    UNKNOWN_MEMBER,
)
from tests.support.stored_keys import columns_of, reread, stored_columns
from tot_jwt.models import ApiKey

pytestmark = pytest.mark.django_db

INVALID_MEMBERS = [
    ("name", None, NULL),
    ("name", "", BLANK),
    ("name", " \t", BLANK),
    ("name", 7, NOT_A_STRING),
    ("name", ["a"], NOT_A_STRING),
    ("name", {"a": "b"}, NOT_A_STRING),
    ("name", "a" * 201, TOO_LONG.format(200)),
    ("name", "a\0", NUL_CHARACTER),
    ("name", "a\ud800", SURROGATE),
    *(
        ("scopes", value, NOT_KEY_SCOPES)
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
        ("expiresAt", value, NOT_A_MOMENT)
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
    ("expiresAt", "2020-01-01T00:00:00Z", NOT_IN_FUTURE),
    ("expiresAt", "0001-01-01T00:00:00Z", NOT_IN_FUTURE),
    *(  # type: ignore[var-annotated]
        ("allowedIps", value, NOT_NETWORKS)
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
            # IPv6 zone IDs are rejected: `ipaddress` accepts any text in them, even NUL.
            ["fe80::1%eth0"],
            ["fe80::1%a b"],
            ["::%x 0.0.0.0/0"],
            ["fe80::1%\0"],
            ["fe80::1%\ud800"],
        )
    ),
]

NOT_BOOLEANS: tuple[object, ...] = (0, 1, "true", "", None, [], "false")


def assert_one_error(answer, member, error):
    """Fail unless the answer is a 400 with this one error."""
    assert (answer.status_code, answer.json()) == (400, {member: [error]})


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        *INVALID_MEMBERS,
        *(("canIssueTokens", value, NOT_A_BOOLEAN) for value in NOT_BOOLEANS),
    ],
)
def test_invalid_field_prevents_creation(api, member, value, error):
    before = ApiKey.objects.count()

    assert_one_error(api.create(**{member: value}), member, error)
    assert ApiKey.objects.count() == before


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "error"),
    [*INVALID_MEMBERS, *(("disabled", value, NOT_A_BOOLEAN) for value in NOT_BOOLEANS)],
)
def test_invalid_field_prevents_change(api, child, member, value, error):
    assert_one_error(api.change(child, **{member: value}), member, error)
    assert stored_columns(child) == columns_of(child)


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        *(
            ("graceSeconds", value, NOT_A_GRACE)
            for value in (True, False, None, "60", 1.0, 1.5, -1, 604801, 10**40, [60])
        ),
        *(("revokeCreatedKeys", value, NOT_A_BOOLEAN) for value in NOT_BOOLEANS),
        ("totSecretKey", None, NULL),
        ("totSecretKey", "", BLANK),
        ("totSecretKey", 7, NOT_A_STRING),
        ("totSecretKey", "a" * 513, TOO_LONG.format(512)),
        ("totSecretKey", "a\0", NUL_CHARACTER),
        ("totSecretKey", "a\ud800", SURROGATE),
    ],
)
def test_invalid_field_prevents_rotation(api, child, member, value, error):
    assert_one_error(api.rotate(child, **{member: value}), member, error)
    assert reread(child).secret_hash == child.secret_hash


@pytest.mark.parametrize("value", ["", "1", "0", "yes", "on", "\0"])
def test_invalid_flag_prevents_revocation(api, child, value):
    assert_one_error(api.revoke(child, force=value), "force", NOT_A_BOOLEAN)
    assert reread(child).revoked_at is None


def test_all_invalid_fields_are_reported(api, child):
    required = [REQUIRED]

    assert api.send("post", KEYS_URL, {}).json() == {"name": required, "scopes": required}
    assert list(api.create(name=1, zebra=2, disabled=True).json()) == ["non_field_errors", "name"]


@pytest.mark.parametrize(
    ("call", "members"),
    [
        (
            lambda api, key, **sent: api.create(**sent),
            "allowedIps, canIssueTokens, expiresAt, metadata, name, scopes",
        ),
        (KeysClient.change, "allowedIps, disabled, expiresAt, metadata, name, scopes"),
        (KeysClient.rotate, "graceSeconds, revokeCreatedKeys, totSecretKey"),
    ],
)
@pytest.mark.parametrize(
    "member",
    ["environment", "appDomain", "createdBy", "generation", "cascade", "Name", "zebra\ud800", ""],
)
def test_unknown_member_is_rejected(api, child, call, members, member):
    answer = call(api, child, **{member: "x"})

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": [UNKNOWN_MEMBER.format(members)]}
    assert stored_columns(child) == columns_of(child)
