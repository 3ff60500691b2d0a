"""The canonical form of a domain, and what people may type instead."""

import pytest
from hypothesis import given, strategies

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
}
NOT_CANONICAL = [
    "",
    ".",
    ".example.com",
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


@pytest.mark.req("C4")
@given(strategies.text(max_size=30))
def test_canonical_form_only_changes_case(text):
    canonical = domains.canonical(text)

    assert canonical is None or (text.isascii() and canonical == text.lower())


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        (" Example.COM ", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
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
