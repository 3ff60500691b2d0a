"""The canonical form of a domain, and what people may type instead."""

import re

import pytest
from hypothesis import example, given, strategies

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import domains

CANONICAL = {
    "example.com": "example.com",
    "EXAMPLE.com": "example.com",
    "localhost": "localhost",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "a-b.c--d.e": "a-b.c--d.e",
    "1.2.3.4": "1.2.3.4",
    "a" * 63 + ".com": "a" * 63 + ".com",
    "a_b.com": "a_b.com",
    "com.example.my_app": "com.example.my_app",
    "_dmarc.example.com": "_dmarc.example.com",
    "_": "_",
    "COM.Example.My_App": "com.example.my_app",
    "example.com.": "example.com",
    "example.com:80": "example.com",
    "example.com.:80": "example.com",
    "EXAMPLE.com:8443": "example.com",
    "localhost:8888": "localhost",
    "localhost:0": "localhost",
    "127.0.0.1:65535": "127.0.0.1",
    "example.com:99999": "example.com",
    ".".join(["a" * 49] * 5) + ".:65535": ".".join(["a" * 49] * 5),
    ".".join(["a" * 50] * 4 + ["a" * 49]) + ".:65535": ".".join(["a" * 50] * 4 + ["a" * 49]),
}
NOT_CANONICAL = [
    "",
    ".",
    ".example.com",
    "example.com..",
    "example.com:",
    "example.com:x",
    "example.com:80:80",
    "example.com:123456",
    "example.com:-1",
    "example.com: 80",
    "example.com:80 ",
    "example.com:80\n",
    "example.com:80.",
    "example.com:\u0668\u0660",
    ":80",
    ".:80",
    "a:b.com",
    "user@example.com",
    "example.com/",
    "[::1]",
    "[::1]:80",
    "::1",
    "a..b",
    " example.com",
    "example.com\n",
    "exam ple.com",
    "-a.com",
    "a-.com",
    "https://example.com",
    "a" * 64 + ".com",
    ".".join(["a" * 49] * 6),
    "ⓔxample.com",
    "exam\u200bple.com",
    "ex\u0430mple.com",
    "\u212aexample.com",
    "bücher.example",
]


@pytest.mark.req("C4")
@pytest.mark.parametrize(("text", "canonical"), CANONICAL.items())
def test_canonical_domain_is_in_lower_case(text, canonical):
    assert domains.canonical(text) == canonical


@pytest.mark.req("C4")
@pytest.mark.parametrize("text", NOT_CANONICAL)
def test_other_text_has_no_canonical_form(text):
    assert domains.canonical(text) is None


SENT = strategies.text(max_size=30) | strategies.text("aB0_-.:\n\u212a", max_size=30)


@pytest.mark.req("C4")
@given(SENT)
@example("Example.com.:80")
def test_canonical_form_repairs_nothing_else(text):
    canonical = domains.canonical(text)
    if canonical is None:
        return
    host, colon, port = text.partition(":")

    assert text.isascii()
    assert text.lower() in (f"{canonical}{dot}{colon}{port}" for dot in ("", "."))
    assert host.removesuffix(".").lower() == canonical
    assert (port.isdigit() and len(port) <= 5) if colon else not port
    assert domains.canonical(canonical) == canonical
    assert re.search(domains.PATTERN, canonical)


@pytest.mark.req("C4")
@given(SENT, strategies.integers(0, 99_999), strategies.booleans())
def test_port_and_dot_change_nothing(text, port, has_dot):
    canonical = domains.canonical(text)

    if canonical is not None and canonical == text.lower():
        assert domains.canonical(f"{text}{'.' * has_dot}:{port}") == canonical


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        (" Example.COM ", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("com.example.My_App", "com.example.my_app"),
        ("my_shop.bücher.example", "my_shop.xn--bcher-kva.example"),
        ("bücher.example:8080", "xn--bcher-kva.example"),
        ("Bücher.example.", "xn--bcher-kva.example"),
    ],
)
def test_people_may_type_unicode_domains(typed, domain):
    assert domains.from_person(typed) == domain


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    "typed", ["", "a b", "ü ü", "a_ü.com", "ü..com", "https://ü.com", "-ü.com", "ü" * 300, "a.b/"]
)
def test_typed_invalid_domain_is_an_error(typed):
    with pytest.raises(InvalidValue, match="not a valid domain name"):
        domains.from_person(typed)


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("typed", "aliases"),
    [
        ([], ""),
        (["b.com", "a.com"], "a.com b.com"),
        (["A.com", "a.com:80", "a.com."], "a.com"),
        (["localhost:8888", "bücher.example"], "localhost xn--bcher-kva.example"),
        (["example.com", "EXAMPLE.com:443", "www.example.com"], "www.example.com"),
        ([f"a{number}.com" for number in range(50)], None),
        ([f"a{number}.com" for number in range(50)] + ["a1.com", "example.com"], None),
    ],
)
def test_aliases_are_canonical_and_sorted(typed, aliases):
    found = domains.aliases_from_person(typed, "example.com")

    assert found == (
        aliases if aliases is not None else " ".join(sorted(f"a{n}.com" for n in range(50)))
    )


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["a b"], "Alias 1 is not a valid domain name."),
        (["a.com", "b.com", "https://c.com"], "Alias 3 is not a valid domain name."),
        (["a.com", ""], "Alias 2 is not a valid domain name."),
        ([f"a{number}.com" for number in range(51)], "Use at most 50 aliases."),
    ],
)
def test_invalid_alias_is_told_by_number(typed, told):
    with pytest.raises(InvalidValue) as raised:
        domains.aliases_from_person(typed, "example.com")
    assert str(raised.value.message) == told
