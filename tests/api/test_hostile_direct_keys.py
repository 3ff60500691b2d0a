"""Invalid direct keys, and addresses behind a proxy."""

from base64 import b64encode

import pytest

from tests.support.hostile import (
    ANONYMOUS,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    UNSUPPORTED,
    fault,
    refused,
    rows,
    send,
)
from tests.support.keys_client import KEYS_URL
from tests.support.messages import (
    BLANK,
    CREDENTIALS,
    NUL_CHARACTER,
    TOO_LONG,
)
from tests.support.requests import FORM, JSON

pytestmark = pytest.mark.usefixtures("unlimited")

KEY_HEADERS = {
    "empty secret": (lambda good: {"Tot-Secret-Key": ""}, fault("totSecretKey", told=BLANK)),
    "all empty": (lambda good: dict.fromkeys(good.headers, ""), fault(*CREDENTIALS, told=BLANK)),
    "space of Latin-1": (lambda good: {"Tot-Api-Key": "\xa0"}, fault("totApiKey", told=BLANK)),
    "NUL": (
        lambda good: {"Tot-Secret-Key": f"{good.secret}\0"},
        fault("totSecretKey", told=NUL_CHARACTER),
    ),
    "129 bytes": (
        lambda good: {"Tot-Api-Key": "k" * 129},
        fault("totApiKey", told=TOO_LONG.format(128)),
    ),
    "a megabyte": (
        lambda good: {"Tot-App-Domain": "k" * 1_000_000},
        fault("appDomain", told=TOO_LONG.format(260)),
    ),
    "secret twice": (lambda good: {"Tot-Secret-Key": f"{good.secret}, {good.secret}"}, INVALID),
    "public key twice": (
        lambda good: {"Tot-Api-Key": f"{good.public_key},{good.public_key}"},
        INVALID,
    ),
    "domain twice": (lambda good: {"Tot-App-Domain": f"{good.domain},{good.domain}"}, INVALID),
    "space at the end": (lambda good: {"Tot-Api-Key": f"{good.public_key} "}, INVALID),
    "tab before": (lambda good: {"Tot-Secret-Key": f"\t{good.secret}"}, INVALID),
    "Latin-1": (lambda good: {"Tot-Secret-Key": f"{good.secret}\xff"}, INVALID),
    "Latin-1 in the domain": (lambda good: {"Tot-App-Domain": f"{good.domain}\xad"}, INVALID),
    "UTF-8": (
        lambda good: {"Tot-Api-Key": f"{good.public_key}\u200b".encode().decode("latin-1")},
        INVALID,
    ),
    "word of RFC 2047": (
        lambda good: {"Tot-Secret-Key": f"=?utf-8?B?{b64encode(good.secret.encode()).decode()}?="},
        INVALID,
    ),
    "escapes": (lambda good: {"Tot-App-Domain": good.domain.replace(".", "%2e")}, INVALID),
    "quotes": (lambda good: {"Tot-Secret-Key": f'"{good.secret}"'}, INVALID),
    "two values swapped": (
        lambda good: {"Tot-Api-Key": good.secret, "Tot-Secret-Key": good.public_key},
        INVALID,
    ),
    "a token beside": (lambda good: good.bearer, MALFORMED),
    "an empty token beside": (lambda good: {"Authorization": "bearer"}, MALFORMED),
}


@pytest.mark.req("B5", "C2", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(KEY_HEADERS))
def test_hostile_header_authenticates_no_client(good, bend, expected):
    assert refused(send(path="/keys-only", headers=good.headers | bend(good)), expected, good)


def escaped(good, member):
    """Return the body with another member and with the names of the keys escaped."""
    hidden = good.json.replace(b"totApiKey", b"\\u0074otApiKey").replace(
        b"totSecretKey", b"tot\\u0053ecretKey"
    )
    return hidden[:-1] + b", " + member + b"}"


PLACES = {
    "headers and JSON": (lambda good: {"headers": good.headers}, MALFORMED),
    "one header and JSON": (lambda good: {"headers": {"Tot-Api-Key": good.public_key}}, MALFORMED),
    "query and JSON": (lambda good: {"path": "/keys-only?tot%41piKey="}, MALFORMED),
    "parts": (lambda good: {"content_type": "multipart/form-data; boundary=x"}, ANONYMOUS),
    "text": (lambda good: {"content_type": "text/plain"}, ANONYMOUS),
    "Latin-1, wrong": (
        lambda good: {
            "sent": good.json_and('"x": "\u00e9"').decode().encode("latin-1") + b"}",
            "content_type": f"{JSON}; charset=iso-8859-1",
        },
        MALFORMED,
    ),
    "form in EBCDIC": (
        lambda good: {
            "sent": good.form.decode().encode("cp037"),
            "content_type": f"{FORM}; charset=cp037",
        },
        MALFORMED,
    ),
    "charset without text": (
        lambda good: {"content_type": f"{JSON}; charset=rot13"},
        UNSUPPORTED,
    ),
    "charset of domain names": (
        lambda good: {"content_type": f"{JSON}; charset=idna"},
        UNSUPPORTED,
    ),
    "escaped, domain twice": (lambda good: {"sent": escaped(good, b'"appDomain": "x"')}, MALFORMED),
    "escaped, beside deep nesting": (
        lambda good: {"sent": escaped(good, b'"x": ' + b"[" * 40 + b"]" * 40)},
        MALFORMED,
    ),
    "wrong, of any type": (
        lambda good: {
            "sent": good.json.replace(b"sk_live", b"sk_test"),
            "content_type": "application/*",
        },
        INVALID,
    ),
    "one level down": (lambda good: {"sent": b'{"data": ' + good.json + b"}"}, ANONYMOUS),
    "wrong, beside a Basic header": (
        lambda good: {
            "sent": good.json.replace(b"sk_live", b"sk_test"),
            "headers": {"Authorization": "Basic zebra7"},
        },
        INVALID,
    ),
    "half, beside an empty header": (
        lambda good: {
            "sent": good.json_with(totSecretKey=""),
            "headers": {"Authorization": ""},
        },
        fault("totSecretKey", told=BLANK),
    ),
    "100,000 levels beside": (
        lambda good: {"sent": good.json_and('"x": ' + "[" * 100_000)},
        MALFORMED,
    ),
    "100,000 levels, closed": (
        lambda good: {"sent": good.json_and('"x": ' + "[" * 100_000 + "]" * 100_000)},
        MALFORMED,
    ),
}


@pytest.mark.req("B5", "C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(PLACES))
def test_keys_in_wrong_place_are_rejected(good, bend, expected):
    assert refused(
        send(**{"method": "POST", "path": "/keys-only", "sent": good.json, **bend(good)}),
        expected,
        good,
    )


FORWARDED = {
    "nothing": None,
    "empty": "",
    "commas": ",,,",
    "words": "zebra7",
    "port of six digits": "127.0.0.1:123456",
    "port without digits": "127.0.0.1:",
    "signed port": "127.0.0.1:+80",
    "brackets around IPv4": "[127.0.0.1",
    "one quotation mark": '"127.0.0.1:443',
    "brackets": "[::1]",
    "leading zeros": "127.000.000.001",
    "number": "2130706433",
    "network": "127.0.0.1/32",
    "two addresses": "127.0.0.1, 203.0.113.9",
    "IPv6 around another address": "::ffff:203.0.113.9",
    "zone": "fe80::1%eth0",
    "Latin-1": "127.0.0.\xb9",
    "NUL": "127.0.0.1\0",
    "newline": "203.0.113.9\r\nX-Forwarded-For: 127.0.0.1\r\n,x",
    "100,000 addresses": "127.0.0.1," * 100_000,
    "RFC 7239": "for=127.0.0.1",
    "SQL": "' OR '1'='1",
}


@pytest.fixture
def _behind_proxy(unlimited, settings):
    """Trust one proxy."""
    settings.TOT_JWT = {**settings.TOT_JWT, "TRUSTED_PROXIES": 1}


def through_proxy(good, forwarded):
    """Yield the responses to valid requests with this header."""
    environ = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    yield send("POST", sent=good.json, **environ)
    yield send(headers=good.bearer, **environ)
    yield send("POST", "/keys-only", good.json, **environ)
    yield send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=good.bearer, **environ)


@pytest.mark.req("D1")
@pytest.mark.usefixtures("_behind_proxy")
@pytest.mark.parametrize("forwarded", FORWARDED.values(), ids=FORWARDED)
def test_unreadable_address_matches_no_network(good, forwarded):
    assert [answer.status_code for answer in through_proxy(good, forwarded)] == [
        200,
        200,
        200,
        201,
    ]

    good.key.allowed_ips = "127.0.0.1/32"
    good.key.save()

    assert all(refused(answer, FORBIDDEN, good) for answer in through_proxy(good, forwarded))
