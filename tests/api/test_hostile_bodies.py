"""Invalid bodies of the exchange and of direct keys."""

import gzip
import json
import re

import pytest

from tests.support.hostile import INVALID, MALFORMED, fault, refused, refused_by_us, rows, send
from tests.support.hostile_spellings import FULLWIDTH
from tests.support.keys_client import KEYS_URL
from tests.support.messages import (
    BLANK,
    CREDENTIALS,
    NOT_A_STRING,
    NUL_CHARACTER,
    REQUIRED,
    SURROGATE,
    TOO_LONG,
)
from tests.support.requests import FORM

pytestmark = pytest.mark.usefixtures("unlimited")
ALL_MISSING = fault(*CREDENTIALS, told=REQUIRED)
JSON_IN_FORM = (
    400,
    {
        "detail": "The body is JSON: send it with the header Content-Type: application/json",
        "code": "malformed_request",
    },
)


def test_unmodified_requests_are_accepted(good):
    assert send("POST", sent=good.json).status_code == 200
    assert send("POST", sent=good.form, content_type=FORM).status_code == 200
    assert send(headers=good.bearer).status_code == 200
    assert send("POST", "/keys-only", good.json).status_code == 200
    assert send(path="/keys-only", headers=good.headers).status_code == 200
    assert (
        send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=good.bearer).status_code
        == 201
    )


BODIES = {
    "empty body": (lambda good: b"", MALFORMED),
    "byte order mark": (lambda good: b"\xef\xbb\xbf" + good.json, MALFORMED),
    "UTF-16": (lambda good: good.json.decode().encode("utf-16"), MALFORMED),
    "UTF-32": (lambda good: good.json.decode().encode("utf-32"), MALFORMED),
    "UTF-7": (lambda good: good.json.replace(b'"', b"+ACI-"), MALFORMED),
    "overlong UTF-8": (lambda good: good.json.replace(b"pk_", b"\xc1\xb0k_"), MALFORMED),
    "UTF-8 of a surrogate": (
        lambda good: good.json_with(x="?").replace(b"?", b"\xed\xa0\x80"),
        MALFORMED,
    ),
    "UTF-8 beyond Unicode": (
        lambda good: good.json_with(x="?").replace(b"?", b"\xf4\x90\x80\x80"),
        MALFORMED,
    ),
    "compressed": (lambda good: gzip.compress(good.json), MALFORMED),
    "member twice": (lambda good: good.json_and('"totSecretKey": "wrong"'), MALFORMED),
    "member twice, the same": (
        lambda good: good.json_and(f'"appDomain": "{good.domain}"'),
        MALFORMED,
    ),
    "member twice, one name escaped": (
        lambda good: good.json_and(r'"tot\u0041piKey": "wrong"'),
        MALFORMED,
    ),
    "NaN": (lambda good: good.json_and('"x": NaN'), MALFORMED),
    "minus infinity": (lambda good: good.json_and('"x": [-Infinity]'), MALFORMED),
    "octal number": (lambda good: good.json_and('"x": 0777'), MALFORMED),
    "hexadecimal number": (lambda good: good.json_and('"x": 0xff'), MALFORMED),
    "33 levels of objects": (
        lambda good: good.json_and('"x": ' + '{"x": ' * 32 + "0" + "}" * 32),
        MALFORMED,
    ),
    "33 levels of both kinds": (
        lambda good: good.json_and('"x": ' + '[{"x": ' * 16 + "0" + "}]" * 16),
        MALFORMED,
    ),
    "deepest nesting that fits": (
        lambda good: good.json_and('"x": ' + "[" * 3900 + "]" * 3900),
        MALFORMED,
    ),
    "nesting never closed": (lambda good: good.json_and('"x": ' + '{"":' * 1900), MALFORMED),
    "in a list": (lambda good: b"[" + good.json + b"]", MALFORMED),
    "in a string": (lambda good: json.dumps(good.json.decode()).encode(), MALFORMED),
    "two objects": (lambda good: good.json + good.json, MALFORMED),
    "two lines": (lambda good: good.json + b"\n" + good.json, MALFORMED),
    "garbage at the end": (lambda good: good.json + b";", MALFORMED),
    "NUL at the end": (lambda good: good.json + b"\0", MALFORMED),
    "vertical tab before": (lambda good: b"\x0b" + good.json, MALFORMED),
    "no-break space before": (lambda good: "\u00a0".encode() + good.json, MALFORMED),
    "prefix against hijacking": (lambda good: b")]}',\n" + good.json, MALFORMED),
    "callback": (lambda good: b"zebra7(" + good.json + b")", MALFORMED),
    "comment": (lambda good: good.json + b"/* */", MALFORMED),
    "comment of a line": (lambda good: b"// x\n" + good.json, MALFORMED),
    "single quotes": (lambda good: good.json.replace(b'"', b"'"), MALFORMED),
    "names without quotes": (
        lambda good: good.json.replace(b'"appDomain"', b"appDomain"),
        MALFORMED,
    ),
    "comma at the end": (lambda good: good.json[:-1] + b",}", MALFORMED),
    "newline in a string": (lambda good: good.json_with(x="?").replace(b"?", b"\n"), MALFORMED),
    "escape of Python": (lambda good: good.json.replace(b"pk_", rb"\x70k_"), MALFORMED),
    "cut short": (lambda good: good.json[:-1], MALFORMED),
    "form": (lambda good: good.form, MALFORMED),
    "YAML": (lambda good: good.json[1:-1].replace(b", ", b"\n").replace(b'"', b""), MALFORMED),
    "credentials one level down": (lambda good: b'{"data": ' + good.json + b"}", ALL_MISSING),
    "credentials in a prototype": (lambda good: b'{"__proto__": ' + good.json + b"}", ALL_MISSING),
    "names in lower case": (lambda good: good.json.lower(), ALL_MISSING),
    "name with a space": (
        lambda good: good.json.replace(b"Domain", b"Domain "),
        fault("appDomain", told=REQUIRED),
    ),
    "name with a NUL": (
        lambda good: good.json.replace(b"totApiKey", rb"totApiKey\u0000"),
        fault("totApiKey", told=REQUIRED),
    ),
    "name in full width": (
        lambda good: good.json.replace(
            b"totSecretKey", "totSecretKey".translate(FULLWIDTH).encode()
        ),
        fault("totSecretKey", told=REQUIRED),
    ),
    "value in a list": (
        lambda good: good.json_with(totSecretKey=[good.secret]),
        fault("totSecretKey", told=NOT_A_STRING),
    ),
    "operator of a database": (
        lambda good: good.json_with(totApiKey={"$ne": ""}, totSecretKey={"$gt": ""}),
        fault("totApiKey", "totSecretKey", told=NOT_A_STRING),
    ),
    "true": (
        lambda good: good.json_with(totSecretKey=True),
        fault("totSecretKey", told=NOT_A_STRING),
    ),
    "infinite number": (
        lambda good: good.json.replace(b'"' + good.secret.encode() + b'"', b"1e999"),
        fault("totSecretKey", told=NOT_A_STRING),
    ),
    "number of 7,000 digits": (
        lambda good: good.json.replace(b'"' + good.secret.encode() + b'"', b"7" * 7000),
        fault("totSecretKey", told=NOT_A_STRING),
    ),
    "surrogate in a value": (
        lambda good: good.json_with(totSecretKey=good.secret + "\udc00"),
        fault("totSecretKey", told=SURROGATE),
    ),
    "NUL in a value": (
        lambda good: good.json_with(appDomain=good.domain + "\0"),
        fault("appDomain", told=NUL_CHARACTER),
    ),
    "non-ASCII space": (
        lambda good: good.json_with(appDomain="\u3000\u2003"),
        fault("appDomain", told=BLANK),
    ),
    "513 characters outside the BMP": (
        lambda good: good.json_with(totSecretKey="\U0001f993" * 513),
        fault("totSecretKey", told=TOO_LONG.format(512)),
    ),
    "512 characters outside the BMP": (
        lambda good: good.json_with(totSecretKey="\U0001f993" * 512),
        INVALID,
    ),
}


@pytest.mark.req("B4", "C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(BODIES))
def test_hostile_body_is_not_exchanged(good, bend, expected):
    assert refused_by_us(send("POST", sent=bend(good)), expected, good)


@pytest.mark.req("B5", "C3")
@pytest.mark.parametrize(("bend", "expected"), rows(BODIES))
def test_hostile_body_authenticates_no_client(good, bend, expected):
    answer = send("POST", "/keys-only", bend(good))

    assert (
        refused(answer, expected, good) if expected == INVALID else answer.status_code in (400, 401)
    )


GOOD_BODIES = {
    "other member repeated": lambda good: good.json_and('"x": 1, "x": 2'),
    "lone surrogate in another member": lambda good: good.json_with(x="\ud800"),
    "infinite number in another member": lambda good: good.json_and('"x": 1e999'),
    "prototype as another member": lambda good: good.json_and('"__proto__": {"totSecretKey": ""}'),
    "32 levels": lambda good: good.json_and('"x": ' + "[" * 31 + "]" * 31),
    "brackets in a string": lambda good: good.json_with(x="[" * 5000),
    "escaped name": lambda good: good.json.replace(b"totApiKey", rb"\u0074otApiKey"),
    "white space of JSON": lambda good: b"\r\n\t " + good.json + b"\r\n\t ",
    "surrogates in a pair": lambda good: good.json_with(x="\U0001f993"),
}


@pytest.mark.req("C3")
@pytest.mark.parametrize("bend", GOOD_BODIES.values(), ids=GOOD_BODIES)
def test_unusual_valid_body_is_exchanged(good, bend):
    assert send("POST", sent=bend(good)).status_code == 200
    assert send("POST", "/anyone", bend(good)).json() == {"pk": good.public_key}


FORMS = {
    "no names": (
        lambda good: b"&".join(part.partition(b"=")[2] for part in good.form.split(b"&")),
        ALL_MISSING,
    ),
    "JSON": (lambda good: good.json, JSON_IN_FORM),
    "semicolons": (
        lambda good: good.form.replace(b"&", b";"),
        fault("totApiKey", "totSecretKey", told=REQUIRED),
    ),
    "question mark before": (lambda good: b"?" + good.form, fault("appDomain", told=REQUIRED)),
    "names of lists": (
        lambda good: good.form.replace(b"totSecretKey", b"totSecretKey[]"),
        fault("totSecretKey", told=REQUIRED),
    ),
    "name twice": (lambda good: good.form + b"&totSecretKey=", MALFORMED),
    "name twice, once escaped": (lambda good: b"tot%53ecretKey=wrong&" + good.form, MALFORMED),
    "name escaped twice": (
        lambda good: good.form.replace(b"appDomain", b"app%2544omain"),
        fault("appDomain", told=REQUIRED),
    ),
    "name escaped as in JavaScript": (
        lambda good: good.form.replace(b"appDomain", b"app%u0044omain"),
        fault("appDomain", told=REQUIRED),
    ),
    "NUL": (lambda good: good.form + b"%00", fault("totSecretKey", told=NUL_CHARACTER)),
    "bytes of Latin-1": (lambda good: good.form + b"&x=\xe9", MALFORMED),
    "escapes of Latin-1": (lambda good: good.form + b"&x=%e9", MALFORMED),
    "escapes of a surrogate": (lambda good: good.form + b"&x=%ed%a0%80", MALFORMED),
    "overlong escapes": (lambda good: good.form.replace(b".", b"%c0%ae"), MALFORMED),
    "1,001 fields": (lambda good: good.form + b"&a=b" * 998, MALFORMED),
    "byte order mark": (lambda good: b"%EF%BB%BF" + good.form, fault("appDomain", told=REQUIRED)),
    "UTF-16": (lambda good: good.form.decode().encode("utf-16"), MALFORMED),
    "parts": (
        lambda good: (
            b'--x\r\nContent-Disposition: form-data; name="appDomain"\r\n\r\n'
            + good.form
            + b"\r\n--x--"
        ),
        fault("appDomain", told=REQUIRED),
    ),
    "plus for a space": (lambda good: good.form + b"+", INVALID),
    "newline": (lambda good: good.form + b"\r\n", INVALID),
    "broken escape": (lambda good: good.form + b"%", INVALID),
    "escape without digits": (lambda good: good.form + b"%zz", INVALID),
    "value in quotes": (
        lambda good: good.form.replace(b"totSecretKey=", b'totSecretKey="') + b'"',
        INVALID,
    ),
}


@pytest.mark.req("B4", "C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(FORMS))
def test_hostile_form_is_not_exchanged(good, bend, expected):
    assert refused_by_us(send("POST", sent=bend(good), content_type=FORM), expected, good)


#: A host's parser reads these forms with the keys in them, so the client is authenticated.
READ_BY_HOSTS = ("bytes of Latin-1", "escapes of Latin-1", "escapes of a surrogate")


@pytest.mark.req("C8")
@pytest.mark.parametrize("name", READ_BY_HOSTS)
def test_form_that_hosts_read_authenticates(good, name):
    bend, _ = FORMS[name]

    assert send("POST", "/keys-only", bend(good), content_type=FORM).status_code == 200


@pytest.mark.req("B5", "C3")
@pytest.mark.parametrize(
    ("bend", "expected"),
    rows({name: row for name, row in FORMS.items() if name not in READ_BY_HOSTS}),
)
def test_hostile_form_authenticates_no_client(good, bend, expected):
    answer = send("POST", "/keys-only", bend(good), content_type=FORM)

    assert (
        refused(answer, expected, good) if expected == INVALID else answer.status_code in (400, 401)
    )


GOOD_FORMS = {
    "name escaped": lambda good: good.form.replace(b"S", b"%53", 1),
    "everything escaped": lambda good: re.sub(
        rb"[^&=]", lambda match: b"%%%02X" % ord(match[0]), good.form
    ),
    "charset field of old browsers": lambda good: b"_charset_=utf-16&" + good.form,
    "empty fields": lambda good: b"&&&" + good.form + b"&=&&",
    "1,000 fields": lambda good: good.form + b"&a=b" * 997,
}


@pytest.mark.req("C3")
@pytest.mark.parametrize("bend", GOOD_FORMS.values(), ids=GOOD_FORMS)
def test_unusual_valid_form_is_exchanged(good, bend):
    assert send("POST", sent=bend(good), content_type=FORM).status_code == 200
    assert send("POST", "/anyone", bend(good), content_type=FORM).json() == {"pk": good.public_key}
