"""The rules without a database: credentials, domains, scopes, networks, time."""

import copy
import io
import pickle
import re
from datetime import UTC, datetime

import pytest
from django.utils.translation import override
from hypothesis import given, strategies

from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.rules import credentials, domains, networks, scopes
from tot_jwt.rules.credentials import PresentedSecret, SecretKey
from tot_jwt.utils.clock import rfc3339

# Credentials


@pytest.mark.req("B1")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_generated_keys_have_the_documents_form(environment):
    public_key = credentials.generate_public_key(environment)
    secret = credentials.generate_secret(environment).reveal()

    assert re.fullmatch(rf"pk_{environment}_tot_[0-9A-Za-z]{{22}}", public_key)
    assert re.fullmatch(rf"sk_{environment}_tot_[0-9A-Za-z]{{49}}", secret)
    assert credentials.has_valid_checksum(secret)


@pytest.mark.req("B1")
def test_generated_keys_are_unique_and_use_all_letters():
    secrets = {credentials.generate_secret("live").reveal() for _ in range(500)}

    assert len(secrets) == 500
    assert len({letter for secret in secrets for letter in secret[12:55]}) == 62


@pytest.mark.req("B1")
def test_keys_come_from_the_systems_randomness(monkeypatch):
    asked = []
    monkeypatch.setattr(credentials.secrets, "choice", lambda letters: asked.append(letters) or "x")

    credentials.generate_secret("live")

    assert asked == [credentials.BASE62] * 43


@pytest.mark.req("B1")
def test_checksum_is_the_crc_32_in_base62():
    assert credentials.checksum("") == "000000"
    # crc32(b"123456789") is 0xCBF43926 by definition of the polynomial.
    assert sum(
        credentials.BASE62.index(digit) * 62**place
        for place, digit in enumerate(reversed(credentials.checksum("123456789")))
    ) == 0xCBF43926  # fmt: skip


@pytest.mark.req("B1")
@given(strategies.integers(0, 54), strategies.sampled_from(credentials.BASE62))
def test_mistyped_secret_has_no_valid_checksum(place, letter):
    secret = "sk_live_" + "tot_" + "a" * 43
    whole = secret + credentials.checksum(secret)
    mistyped = whole[:place] + letter + whole[place + 1 :]

    assert credentials.has_valid_checksum(mistyped) is (mistyped == whole)


@pytest.mark.req("E2")
def test_secret_in_memory_shows_itself_nowhere():
    secret = SecretKey("sk_live_" + "zebra")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!s:>80}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert (
        set(shown[:3]) == {"<SecretKey: redacted>"} == {pickle.loads(pickle.dumps(secret)).reveal()}
    )  # noqa: S301
    shown += [
        pickle.dumps(secret).decode("latin-1"),
        repr(copy.deepcopy(secret)),
        str(vars.__call__),
    ]
    buffer = io.StringIO()
    print(secret, file=buffer)

    assert not [text for text in [*shown, buffer.getvalue()] if "zebra" in text]
    assert secret.reveal().endswith("zebra")
    assert secret.hint == "ebra"


@pytest.mark.req("E2")
def test_presented_secret_shows_not_even_its_hash():
    presented = PresentedSecret("zebra")

    assert repr(presented) == "<PresentedSecret: redacted>"
    assert presented.matches(credentials.hash_secret("zebra"))
    assert not presented.matches(credentials.NO_SECRET)


@pytest.mark.req("B2")
def test_hash_is_tagged_sha_256():
    assert credentials.hash_secret("abc") == (
        "sha256$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


# Domains


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com", "example.com"),
        ("localhost", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a-b.c--d.e", "a-b.c--d.e"),
        ("1.2.3.4", "1.2.3.4"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
        ("", None),
        (".", None),
        ("example.com.", None),
        (".example.com", None),
        ("a..b", None),
        (" example.com", None),
        ("example.com\n", None),
        ("exam ple.com", None),
        ("-a.com", None),
        ("a-.com", None),
        ("a_b.com", None),
        ("example.com:80", None),
        ("https://example.com", None),
        ("a" * 64 + ".com", None),
        (".".join(["a" * 49] * 6), None),
        ("ⓔxample.com", None),
        ("exam\u200bple.com", None),
        ("ex\u0430mple.com", None),
        ("\u212aexample.com", None),
        ("bücher.example", None),
    ],
)
def test_canonical_domain_is_ascii_in_lower_case_and_nothing_else(text, canonical):
    assert domains.canonical(text) == canonical


@pytest.mark.req("C4")
@given(strategies.text(max_size=30))
def test_canonical_form_is_never_another_text(text):
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
def test_person_may_type_unicode(typed, domain):
    assert domains.from_person(typed) == domain


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    "typed", ["", "a b", "ü ü", "a_ü.com", "ü..com", "https://ü.com", "-ü.com", "ü" * 300, "a.b/"]
)
def test_person_is_told_what_is_no_domain(typed):
    with pytest.raises(InvalidValue, match="not a valid domain name"):
        domains.from_person(typed)


# Scopes


@pytest.mark.parametrize(
    "scope", ["a", "orders:read", "shop.view_order", "https://x.example/y", "!#$[]~", "a" * 1000]
)
def test_scope_token_is_one_by_rfc_6749(scope):
    assert scopes.is_scope_token(scope)


@pytest.mark.parametrize("scope", ["", " ", "a b", 'a"', "a\\", "a\n", "ä", "a\0", "\x7f"])
def test_anything_else_is_no_scope_token(scope):
    assert not scopes.is_scope_token(scope)


def test_key_is_given_scopes_of_the_catalogue(settings):
    settings.TOT_JWT = {"SCOPES": {"a": "A", "b": "B"}}

    assert scopes.validate(["b", "a"]) == {"a", "b"}
    assert scopes.validate(["a", "old"], known=["old"]) == {"a", "old"}
    with pytest.raises(InvalidValue, match="no scope “c”"):
        scopes.validate(["c"])


@pytest.mark.parametrize(
    ("given_scopes", "message"),
    [
        (["a b"], "is not a scope"),
        (["keys:manage"], "never given to a key"),
        ([f"s{i}" for i in range(51)], "at most 50 scopes"),
        ([f"{i:02}" + "s" * 34 for i in range(50)], "1800 characters at most"),
    ],
)
def test_scopes_that_no_key_can_have_are_told(given_scopes, message):
    with pytest.raises(InvalidValue, match=message):
        scopes.validate(given_scopes)


def test_as_many_and_long_scopes_as_fit_are_given():
    assert len(scopes.validate([f"{i:02}" + "s" * 33 for i in range(50)])) == 50


def test_list_of_scopes_is_the_same_in_any_order():
    assert scopes.join(["b", "a"]) == scopes.join({"a", "b"}) == "a b"
    assert scopes.split("b a") == {"a", "b"}
    assert scopes.split("") == frozenset()


# Networks


def test_networks_are_kept_in_cidr():
    assert (
        networks.validate(["192.0.2.1", "2001:DB8::/32", "192.0.2.1/32"])
        == "192.0.2.1/32 2001:db8::/32"
    )
    assert networks.validate([]) == ""


@pytest.mark.parametrize(
    "text", ["", "x", "192.0.2.1/24", "192.0.2.0/33", "1.2.3", "::/129", "192.0.2.0-192.0.2.9"]
)
def test_what_is_no_network_is_told(text):
    with pytest.raises(InvalidValue, match="CIDR"):
        networks.validate([text])


# Errors


def test_every_error_has_a_code_of_its_own():
    kinds, codes = [TotJWTError], []
    for kind in kinds:
        kinds += kind.__subclasses__()
        codes.append(kind.code)

    assert len(set(codes)) == len(codes) - 1, "InvalidFields has its parent's"


def test_error_tree_is_drawn_whole():
    from tot_jwt import exceptions

    drawn = re.findall(r"── (\w+)", str(exceptions.__doc__))
    there = [
        name
        for name, kind in vars(exceptions).items()
        if isinstance(kind, type) and kind.__module__ == exceptions.__name__
    ]

    assert sorted(drawn) == sorted(set(there) - {"TotJWTError"})


def test_message_for_a_person_is_translatable():
    with override("de"), pytest.raises(InvalidValue) as raised:
        scopes.validate(["a b"])

    assert "a b" in raised.value.message


def test_moment_is_written_as_the_document_does():
    assert (
        rfc3339(datetime(2025, 10, 29, 18, 38, 22, 999_999, tzinfo=UTC).timestamp())
        == "2025-10-29T18:38:22.000Z"
    )
    assert rfc3339(253_402_300_799) == "9999-12-31T23:59:59.000Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
