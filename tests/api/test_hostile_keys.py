"""Invalid URLs, members and queries of the keys endpoints."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.support.hostile import (
    MALFORMED,
    NOT_FOUND,
    error,
    fault,
    refused_by_us,
    rows,
    send,
)
from tests.support.hostile_spellings import FULLWIDTH
from tests.support.keys_client import KEYS_URL, url_of
from tests.support.messages import (
    BLANK,
    NOT_A_BOOLEAN,
    NOT_A_GRACE,
    NOT_A_MOMENT,
    NOT_A_STRING,
    NOT_KEY_SCOPES,
    NOT_NETWORKS,
    TOO_LATE,
    TOO_LONG,
    UNKNOWN_MEMBER,
)
from tests.support.tokens import b64

pytestmark = pytest.mark.usefixtures("unlimited")

IDS = {
    "NUL": lambda good: "%00",
    "NUL at the end": lambda good: f"{good.public_key}%00",
    "parent folder": lambda good: f"../keys/{good.public_key}",
    "parent folder, escaped": lambda good: f"%2e%2e%2f{good.public_key}",
    "same folder": lambda good: f"./{good.public_key}",
    "empty folder": lambda good: f"/{good.public_key}",
    "slash within": lambda good: f"{good.public_key[:9]}%2F{good.public_key[9:]}",
    "escaped twice": lambda good: quote(good.public_key.replace("_", "%5f")),
    "upper case": lambda good: good.public_key.upper(),
    "space at the end": lambda good: f"{good.public_key}%20",
    "newline": lambda good: f"{good.public_key}%0A",
    "newline within": lambda good: f"zebra7%0D%0A{good.public_key}",
    "full stop at the end": lambda good: f"{good.public_key}.",
    "format at the end": lambda good: f"{good.public_key}.json",
    "parameter": lambda good: f"{good.public_key};v=1",
    "accent": lambda good: quote(good.public_key.replace("k", "\u1e31", 1)),
    "ignored by collations": lambda good: f"{good.public_key}{quote(chr(0xAD))}",
    "invalid UTF-8": lambda good: "%ff%fe%80",
    "overlong": lambda good: good.public_key.replace("_", "%c1%9f"),
    "outside the BMP": lambda good: "%F0%9F%A6%93",
    "20,000 characters": lambda good: "k" * 20_000,
    "pattern": lambda good: "pk_%25",
    "SQL": lambda good: quote("' OR '1'='1"),
    "number of the row": lambda good: str(good.key.pk),
    "list": lambda good: f"{good.public_key},{good.public_key}",
}


@pytest.mark.req("F2", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("bend", IDS.values(), ids=IDS)
def test_hostile_id_is_not_found(good, bend):
    url = f"{KEYS_URL}/{bend(good)}"

    for method, path in [
        ("GET", url),
        ("PATCH", url),
        ("DELETE", f"{url}?force=true"),
        ("POST", f"{url}/rotate"),
    ]:
        assert refused_by_us(send(method, path, b"{}", headers=good.bearer), NOT_FOUND, good)


UNKNOWN = fault(
    "non_field_errors",
    told=UNKNOWN_MEMBER.format("allowedIps, disabled, expiresAt, metadata, name, scopes"),
)

MOMENTS = {
    "no time": "2100-01-01",
    "year 10000": "10000-01-01T00:00:00Z",
    "year 0": "0000-01-01T00:00:00Z",
    "negative year": "-2100-01-01T00:00:00Z",
    "leap second": "2100-12-31T23:59:60Z",
    "29 February": "2100-02-29T00:00:00Z",
    "24 o'clock and a second": "2100-01-01T24:00:01Z",
    "offset of a day": "2100-01-01T00:00:00+24:00",
    "offset of 99 hours": "2100-01-01T00:00:00-99:99",
    "after the year 9999": "9999-12-31T23:59:59-00:01",
    "name of a zone": "2100-01-01T00:00:00 Europe/Berlin",
    "non-ASCII digits": "2100-01-01T00:00:0\u0663Z",
    "non-ASCII minus sign": "2100\u221201-01T00:00:00Z",
    "comma": "2100-01-01T00:00:00,5Z",
    "week": "2100-W01-1T00:00:00Z",
    "day of the year": "2100-001T00:00:00Z",
    "seconds since 1970": "4102444800",
    "NUL": "2100-01-01T00:00:00Z\0",
    "surrogate": "2100-01-01T00:00:00Z\ud800",
}

NETWORKS = {
    "too long a prefix": "10.0.0.0/33",
    "prefix of IPv6 too long": "2001:db8::/129",
    "negative prefix": "10.0.0.0/-1",
    "leading zeros": "010.0.0.1",
    "hexadecimal": "0x0a000001",
    "a number": "167772161",
    "three parts": "10.0.1",
    "five parts": "10.0.0.0.1",
    "host bits": "10.0.0.1/8",
    "zone": "fe80::1%eth0",
    "zone that is a network": "::1%/0",
    "zone with a space": "fe80::1% 0.0.0.0/0",
    "two": "10.0.0.0/8 0.0.0.0/0",
    "range": "10.0.0.1-10.0.0.9",
    "wildcard": "10.*.*.*",
    "non-ASCII digits": "1\u0660.0.0.1",
    "digits in full width": "10.0.0.1".translate(FULLWIDTH),
    "name": "localhost",
    "port": "10.0.0.1:443",
    "brackets": "[::1]",
    "space before": " 10.0.0.1",
    "NUL": "10.0.0.1\0",
    "surrogate": "::\ud800",
    "8,000 characters": "1" * 8000,
}

CHANGES = {
    **{
        f"expiresAt: {name}": ({"expiresAt": told}, fault("expiresAt", told=NOT_A_MOMENT))
        for name, told in MOMENTS.items()
    },
    **{
        f"expiresAt: {told}": ({"expiresAt": told}, fault("expiresAt", told=TOO_LATE))
        for told in ("9999-12-30T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-29T23:00:00-14:00")
    },
    **{
        f"allowedIps: {name}": ({"allowedIps": [told]}, fault("allowedIps", told=NOT_NETWORKS))
        for name, told in NETWORKS.items()
    },
    "allowedIps: an integer": ({"allowedIps": [0]}, fault("allowedIps", told=NOT_NETWORKS)),
    "allowedIps: one of 2,000": (
        {"allowedIps": ["::"] * 1300 + ["x"]},
        fault("allowedIps", told=NOT_NETWORKS),
    ),
    "allowedIps: an object": (
        {"allowedIps": {"0": "10.0.0.1"}},
        fault("allowedIps", told=NOT_NETWORKS),
    ),
    "scopes: a dict's names": (
        {"scopes": {"orders:read": 1}},
        fault("scopes", told=NOT_KEY_SCOPES),
    ),
    "scopes: with management": (
        {"scopes": ["keys:manage"]},
        fault("scopes", told=NOT_KEY_SCOPES),
    ),
    "scopes: newline": (
        {"scopes": ["orders:read\n"]},
        fault("scopes", told=NOT_KEY_SCOPES),
    ),
    "scopes: 700": (
        {"scopes": [f"zebra7{number}" for number in range(600)]},
        fault("scopes", told=NOT_KEY_SCOPES),
    ),
    "disabled: 0": ({"disabled": 0}, fault("disabled", told=NOT_A_BOOLEAN)),
    "name: invisible": ({"name": "\u2003\u3000\x1f"}, fault("name", told=BLANK)),
    "name: 201 outside the BMP": (
        {"name": "\U0001f993" * 201},
        fault("name", told=TOO_LONG.format(200)),
    ),
    "prototype": ({"__proto__": {"disabled": False}}, UNKNOWN),
    "constructor": ({"constructor": {"prototype": {}}}, UNKNOWN),
    "column": ({"secret_hash": "zebra7"}, UNKNOWN),
    "column across tables": ({"app_domain__domain": "zebra7"}, UNKNOWN),
    "counter": ({"generation": 0}, UNKNOWN),
    "owner": ({"appDomain": "zebra7", "createdBy": "admin"}, UNKNOWN),
    "look-alike of a known name": ({"n\u0430me": "zebra7"}, UNKNOWN),
}


@pytest.mark.req("B4", "C5", "F1")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("members", "expected"), rows(CHANGES))
def test_hostile_change_is_rejected(good, members, expected):
    answer = send("PATCH", url_of(good.key), json.dumps(members).encode(), headers=good.bearer)

    assert refused_by_us(answer, expected, good)


ROTATIONS = {
    "grace of a fraction": (
        {"graceSeconds": 0.0},
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "grace of minus zero": (
        b'{"graceSeconds": -0.0}',
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "infinite grace": (
        b'{"graceSeconds": 1e999}',
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "grace of 7,000 digits": (
        b'{"graceSeconds": ' + b"9" * 7000 + b"}",
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "grace that is false": (
        {"graceSeconds": False},
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "grace of a word": (
        {"graceSeconds": "0"},
        fault("graceSeconds", told=NOT_A_GRACE),
    ),
    "secret in a list": ({"totSecretKey": ["zebra7"]}, fault("totSecretKey", told=NOT_A_STRING)),
    "secret too long": (
        {"totSecretKey": "z" * 513},
        fault("totSecretKey", told=TOO_LONG.format(512)),
    ),
    "secret twice": (b'{"totSecretKey": "a", "totSecretKey": "b"}', MALFORMED),
    "secret that is wrong": ({"totSecretKey": "zebra7"}, error(403, "secret_required")),
    "secret in SQL": ({"totSecretKey": "' OR '1'='1"}, error(403, "secret_required")),
    "nothing": ({}, error(403, "secret_required")),
    "list": (b"[]", MALFORMED),
    "a space": (b" ", MALFORMED),
}


@pytest.mark.req("B4", "C5", "F1")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("sent", "expected"), rows(ROTATIONS))
def test_hostile_rotation_is_rejected(good, sent, expected):
    text = sent if isinstance(sent, bytes) else json.dumps(sent).encode()

    assert refused_by_us(
        send("POST", f"{url_of(good.key)}/rotate", text, headers=good.bearer), expected, good
    )


LAST_KEY = error(409, "last_active_key")

REVOCATIONS = {
    "nothing": ("", LAST_KEY),
    "name in upper case": ("?FORCE=true", LAST_KEY),
    "name of a list": ("?force[]=true", LAST_KEY),
    "name escaped twice": ("?%2566orce=true", LAST_KEY),
    "semicolon": ("?x=1;force=true", LAST_KEY),
    "fragment": ("?x=1%23&force%00=true", LAST_KEY),
    "empty": ("?force=", fault("force", told=NOT_A_BOOLEAN)),
    "no value": ("?force", fault("force", told=NOT_A_BOOLEAN)),
    "number": ("?force=1", fault("force", told=NOT_A_BOOLEAN)),
    "space": ("?force=true+", fault("force", told=NOT_A_BOOLEAN)),
    "NUL": ("?force=true%00", fault("force", told=NOT_A_BOOLEAN)),
    "bytes": ("?force=%ff", fault("force", told=NOT_A_BOOLEAN)),
    "full width": (
        f"?force={quote('true'.translate(FULLWIDTH))}",
        fault("force", told=NOT_A_BOOLEAN),
    ),
    "unknown parameter": ("?cascade=true", LAST_KEY),
    "twice": ("?force=false&force=true", fault("force", told=NOT_A_BOOLEAN)),
    "1,001 fields": ("?force=true&" + "a=b&" * 1001, MALFORMED),
}


@pytest.mark.req("B4", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("query", "expected"), rows(REVOCATIONS))
def test_hostile_revocation_is_rejected(good, query, expected):
    answer = send("DELETE", url_of(good.key) + query, b'{"force": true}', headers=good.bearer)

    assert refused_by_us(answer, expected, good)


NOT_A_CURSOR = "Not a cursor from the `next` or `previous` of a response."


def encoded(text):
    """Return the text as a cursor."""
    return b64(text if isinstance(text, bytes) else text.encode())


def halves(text):
    return text[:8], text[8:]


CURSORS = {
    "page number": lambda good: "2",
    "public key": lambda good: good.public_key,
    "no direction": lambda good: encoded(good.public_key),
    "unknown direction": lambda good: encoded(f"x{good.public_key}"),
    "direction in upper case": lambda good: encoded(f"N{good.public_key}"),
    "only a direction": lambda good: encoded("n"),
    "unknown key": lambda good: encoded("npk_live_tot_zebra7"),
    "key in upper case": lambda good: encoded(f"n{good.public_key.upper()}"),
    "space after the key": lambda good: encoded(f"n{good.public_key} "),
    "wildcard": lambda good: encoded("npk_live_tot_%"),
    "SQL": lambda good: encoded("n' OR '1'='1"),
    "NUL": lambda good: encoded(f"n{good.public_key}\0"),
    "letters that are not ASCII": lambda good: encoded("n\u212aey"),
    "bytes that are no text": lambda good: encoded(b"n\xff\xfe"),
    "129 characters": lambda good: encoded("n" + "k" * 129),
    "5,000 characters": lambda good: encoded("n" + "k" * 5000),
    "padding": lambda good: quote(base64.urlsafe_b64encode(b"nk").decode()),
    "space within": lambda good: encoded(f"n{good.public_key}").replace("b", "b%20", 1),
    "four spaces within": lambda good: "%20%20%20%20".join(halves(encoded(f"n{good.public_key}"))),
    "four symbols within": lambda good: "!*.~".join(halves(encoded(f"p{good.public_key}"))),
    "newline after": lambda good: encoded(f"n{good.public_key}") + "%0A",
    "other alphabet": lambda good: quote(base64.b64encode(b"n~~~???").decode(), safe=""),
    "one letter": lambda good: "b",
    "full width": lambda good: quote(encoded(f"n{good.public_key}").translate(FULLWIDTH)),
    "NUL alone": lambda good: "%00",
    "broken UTF-8": lambda good: "%ff",
    "nothing": lambda good: "",
    "valid one, then another": lambda good: encoded(f"n{good.public_key}") + "&cursor=x",
}


@pytest.mark.req("C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("bend", CURSORS.values(), ids=CURSORS)
def test_hostile_cursor_is_rejected(good, bend):
    answer = send(path=f"{KEYS_URL}?cursor={bend(good)}", headers=good.bearer)

    assert refused_by_us(answer, fault("cursor", told=NOT_A_CURSOR), good)


@pytest.mark.req("C5")
def test_page_numbers_are_ignored(good):
    for page in ("1", "2", "-1", "zebra7", "%ff"):
        answer = send(path=f"{KEYS_URL}?page={page}", headers=good.bearer)
        assert (answer.status_code, answer.json()["count"]) == (200, 1)
