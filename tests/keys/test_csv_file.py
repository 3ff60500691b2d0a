"""Bad rows and bad files of an import."""

import hashlib
import io
import tracemalloc

import pytest

from tests.support.key_files import (
    FULL_HEADER,
    HEADER,
    HEADER_ERROR,
    SECRET,
    bad_rows,
    full_row,
    row,
)
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import csv_file
from tot_jwt.keys.importing import import_keys
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.rules import lengths

# Good files


def test_columns_may_have_any_order(load):
    report = load(f"{SECRET},pk,a.com", f"{SECRET}2,pk2,a.com", header=" Secret ,PUBLIC,domain")

    assert report.imported == 2
    assert set(ApiKey.objects.values_list("name", "environment", "scopes")) == {
        ("pk", "live", ""),
        ("pk2", "live", ""),
    }


def test_line_ends_and_blanks_are_irrelevant(db):
    text = f"\ufeff{HEADER}\r\n\r\n{row(1)}\r\n" + f"{row(2)}\n\n" + row(3)

    assert import_keys(io.BytesIO(text.encode())).imported == 3


def test_file_is_left_open(db):
    file = io.BytesIO(f"{HEADER}\n{row(1)}\n".encode())

    import_keys(file)

    assert not file.closed


def test_file_without_rows_imports_nothing(load):
    report = load()

    assert (report.imported, report.is_refused) == (0, False)


def test_longest_secret_can_be_exchanged(load, post_token):
    secret = "xy" * (lengths.SECRET_KEY // 2)

    assert load(row(1, secret=secret)).imported == 1
    key = ApiKey.objects.get()
    key.secret = secret
    assert post_token(key).status_code == 200


# Bad rows

BAD_ROWS = {
    "too few fields": ("myapp.com,pk", "The row has 2 fields, but the header has 6."),
    "too many fields": (row(1) + ",x", "The row has 7 fields, but the header has 6."),
    "a NUL": (row(1, name="x\0y"), "The row contains a NUL character."),
    "no domain": (row(1, domain=""), "domain: "),
    "a bad domain": (row(1, domain="no domain"), "domain: "),
    "no public key": (row(1, public=""), "public: This field is missing."),
    "a public key with a space": (row(1, public="pk 1"), "public: "),
    "a long public key": (
        row(1, public="x" * 129),
        "public: Ensure this value has at most 128 characters",
    ),
    "a secret for a public key": (
        row(1, public="sk_live_x"),
        "public: This looks like a secret key. Check the order",
    ),
    "no secret": (row(1, secret="  "), "secret: This field is missing."),
    "a secret with space around": (row(1, secret=SECRET + " "), "secret: Remove the white space"),
    "a long secret": (row(1, secret="xy" * 257), "secret: Use at most 512 characters."),
    "a weak secret": (row(1, secret="xy" * 9), "secret: Use at least 20 characters."),
    "the public key as secret": (
        row(1, public="old-key-of-20-letters", secret="Old-key-of-20-letters"),
        "secret: This is the value of another column. Check the order",
    ),
    "the domain as secret": (
        row(1, domain="bücher.example.com", secret="XN--bcher-kva.example.com"),
        "secret: This is the value of another column.",
    ),
    "the name as secret": (
        row(1, name="Our oldest customer in Rome", secret="Our oldest customer in Rome"),
        "secret: This is the value of another column.",
    ),
    "a public key as secret": (
        row(1, secret="pk_live_0123456789abcdef"),
        "secret: This looks like a public key. Check the order",
    ),
    "a hash as secret": (
        row(1, secret="sha512$$" + "0a" * 64),
        "secret: This is a stored hash, not a secret. Enter the secret itself",
    ),
    "a mask as secret": (row(1, secret="sk_live_****abcd"), "secret: This is a masked secret. "),
    "a placeholder": (row(1, secret="changeme"), "secret: This is a placeholder. Enter the secret"),
    "a hidden secret for a public key": (
        row(1, public="old SK_LIVE_0123"),
        "public: This looks like a secret key.",
    ),
    "a hash for a public key": (
        row(1, public="abcd.sha512$$" + "0a" * 32),
        "public: This contains a stored hash. Enter only the public part",
    ),
    "a long name": (row(1, name="x" * 201), "name: Ensure this value has at most 200 characters"),
    "another environment": (row(1, environment="prod"), "environment: Use live or test."),
    "no scope": (row(1, scopes='a b\\ "'), "scopes: entry 2 is not an allowed scope."),
    "the scope of tokens": (
        row(1, scopes="keys:manage"),
        "scopes: entry 1 is not an allowed scope.",
    ),
    "many scopes": (row(1, scopes=" ".join(map(str, range(51)))), "scopes: A key "),
    "long scopes": (row(1, scopes=f"{'a' * 1000} {'b' * 1000}"), "scopes: The scopes "),
}


HASH = "sha512$$" + "0a" * 64
NOT_A_MOMENT = "expires_at: Use a date and time with its zone, for example: "
OUTSIDE_CALENDAR = "expires_at: Use a year from 1970 to 9998. Leave the field empty"
BAD_ROWS_OF_ALL_COLUMNS = {
    "a date without a time": ({"expires_at": "2031-05-06"}, NOT_A_MOMENT),
    "a moment without a zone": ({"expires_at": "2031-05-06T07:08:09"}, NOT_A_MOMENT),
    "a day that does not exist": ({"expires_at": "2031-02-30T07:08:09Z"}, NOT_A_MOMENT),
    "a number for a moment": ({"expires_at": "1924905600"}, NOT_A_MOMENT),
    "never": ({"expires_at": "never"}, NOT_A_MOMENT),
    "the year 1": ({"expires_at": "0001-01-01T00:00:00Z"}, OUTSIDE_CALENDAR),
    "before the year 1": ({"expires_at": "0001-01-01T00:00:00+01:00"}, OUTSIDE_CALENDAR),
    "before 1970": ({"expires_at": "1969-12-31T23:59:59Z"}, OUTSIDE_CALENDAR),
    "the end of the calendar": ({"expires_at": "9999-12-31T23:59:59Z"}, OUTSIDE_CALENDAR),
    "after the calendar": ({"expires_at": "9999-12-31T23:59:59-23:00"}, OUTSIDE_CALENDAR),
    "a bad network": (
        {"allowed_ips": "192.0.2.0/24 192.0.2.1/24"},
        "allowed_ips: entry 2 is not an IP address or network. Use CIDR notation",
    ),
    "networks with commas": (
        {"allowed_ips": '"192.0.2.1,192.0.2.2"'},
        "allowed_ips: entry 1 is not",
    ),
    "a zone ID": ({"allowed_ips": "fe80::1%eth0"}, "allowed_ips: entry 1 is not"),
    "yes": ({"can_issue_tokens": "yes"}, "can_issue_tokens: Use true or false."),
    "a number": ({"can_issue_tokens": "0"}, "can_issue_tokens: Use true or false."),
    "expired": ({"status": "expired"}, "status: Use active, disabled or revoked."),
    "a number as limit": ({"rate_limit": "600"}, "rate_limit: Use a number per sec, min"),
    "another period": ({"rate_limit": "600/week"}, "rate_limit: Use a number per sec, min"),
    "no secret and no hash": ({"secret": " "}, "secret: Enter the secret or its hash, and"),
    "a secret and a hash": (
        {"secret": SECRET, "secret_hash": HASH},
        "secret: Enter the secret or its hash, and leave the other field empty.",
    ),
    "a secret as hash": ({"secret_hash": SECRET}, "secret_hash: This is not a hash that names"),
    "a hash that is cut off": ({"secret_hash": HASH[:-1]}, "secret_hash: This hash is cut off"),
    "the hash of nothing": (
        {"secret_hash": "sha256$" + hashlib.sha256().hexdigest()},
        "secret_hash: This is the hash of an empty text or of another column.",
    ),
    "the hash of the public key": (
        {"secret_hash": "sha512$$" + hashlib.sha512(b"old1").hexdigest()},
        "secret_hash: This is the hash of an empty text or of another column.",
    ),
    "the hash of the domain": (
        {"secret_hash": "sha256$" + hashlib.sha256(b"myapp.com").hexdigest()},
        "secret_hash: This is the hash of an empty text or of another column.",
    ),
    "an invisible name": ({"name": "\u200b"}, "name: Use at least one visible character."),
}


@pytest.mark.parametrize(
    ("cells", "reason"), BAD_ROWS_OF_ALL_COLUMNS.values(), ids=BAD_ROWS_OF_ALL_COLUMNS
)
def test_bad_cell_names_its_column(load, cells, reason):
    report = load(full_row(8), full_row(1, **cells), full_row(9), header=FULL_HEADER)

    ((line, found),) = bad_rows(report)
    assert line == 3
    assert found.startswith(reason)
    assert not ApiKey.objects.exists()


def test_missing_hash_is_a_bad_row(load):
    report = load("a.example,old1, ", header="domain,public,secret_hash")

    assert bad_rows(report) == [(2, "secret_hash: This field is missing.")]


@pytest.mark.parametrize(("text", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_row_stops_the_import(load, text, reason):
    report = load(row(8), text, row(9))

    ((line, found),) = bad_rows(report)
    assert line == 3
    assert found.startswith(reason)
    assert (report.is_refused, report.imported, report.domains_created) == (True, 0, 0)
    assert not ApiKey.objects.exists()
    assert not AppDomain.objects.exists()
    assert not KeyEvent.objects.exists()


@pytest.mark.parametrize("text", [text for text, _ in BAD_ROWS.values()], ids=BAD_ROWS)
def test_bad_row_can_be_skipped(load, text):
    report = load(row(8), text, row(9), skip_bad=True)

    assert (report.imported, report.is_refused, len(report.bad_rows)) == (2, False, 1)
    assert sorted(ApiKey.objects.values_list("public_key", flat=True)) == ["old8", "old9"]


@pytest.mark.req("B6")
@pytest.mark.parametrize("secret", ["sha512$$" + "0a" * 64, "********", "changeme", "7777", "pk_x"])
def test_weak_option_allows_no_mistakes(load, post_token, secret):
    report = load(row(1, secret=secret), row(2, secret="4711"), skip_bad=True, allow_weak=True)

    ((line, reason),) = bad_rows(report)
    assert (line, report.imported) == (2, 1)
    assert secret not in reason
    key = ApiKey.objects.get()
    key.secret = "4711"
    assert post_token(key).status_code == 200


@pytest.mark.req("B6")
@pytest.mark.parametrize("secret", [SECRET, "4711"])
def test_secret_of_earlier_row_is_bad(load, secret):
    rows = [row(1, secret=secret), row(2), row(3, secret=secret), row(4)]

    report = load(*rows, skip_bad=True, allow_weak=True, batch_size=1)

    ((line, reason),) = bad_rows(report)
    assert (line, report.imported) == (4, 3)
    assert reason.startswith("secret: An earlier row has the same secret.")


def test_secret_of_bad_row_stays_free(load):
    report = load(row(1, secret=SECRET, scopes="\\"), row(2, secret=SECRET), skip_bad=True)

    assert (report.imported, len(report.bad_rows)) == (1, 1)


def test_scope_outside_catalog_is_bad(load, settings):
    settings.TOT_JWT = {"SCOPES": {"a": "A"}}

    report = load(row(1, scopes="a"), row(2, scopes="a zebra"))

    assert bad_rows(report) == [(3, "scopes: entry 2 is not an allowed scope.")]


def test_row_in_another_encoding_is_bad(db):
    lines = [
        f"{HEADER}\n{row(1)}".encode(),
        row(2, name="Müller").encode("latin-1"),
        row(3).encode(),
    ]

    report = import_keys(io.BytesIO(b"\n".join(lines)), skip_bad=True)

    assert report.imported == 2
    assert bad_rows(report) == [(3, "The row contains bytes that are not UTF-8.")]


def test_bad_row_has_its_first_line(load):
    report = load(
        row(1, scopes='"two\nlines"'),
        "",
        row(2, scopes='"two\nmore"', environment="x"),
        row(3, domain=""),
    )

    assert [line for line, _ in bad_rows(report)] == [5, 7]


@pytest.mark.req("E6")
def test_reasons_repeat_nothing_of_rows(load):
    for column in FULL_HEADER.split(","):
        for secret in ("Hunter2 hunter2 hunter2\\" * 30, "Hunter2$hunter2$", "Hunter2"):
            cells = {"secret": SECRET, column: secret}
            report = load(full_row(1, **cells), header=FULL_HEADER, skip_bad=True)
            assert "unter2" not in str(bad_rows(report))
            assert report.bad_rows or column in {"public", "domain", "name", "scopes"}


# Bad files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"\n\n", "The file is empty"),
        (b"domain,public\na.com,pk\n", HEADER_ERROR),
        (b"domain,public,secret,scope\n", HEADER_ERROR),
        (b"domain,public,secret,secret\n", HEADER_ERROR),
        (b"domain,secret,secret_hash\n", HEADER_ERROR),
        (b"domain,public,secret_hash,expiry\n", HEADER_ERROR),
        (b"domain;public;secret\n", HEADER_ERROR),
        (row(1).encode(), HEADER_ERROR),
        (f"{HEADER}\n{row(1)}\n".encode("utf-16"), HEADER_ERROR),
        (f'{HEADER}\n{row(1)}\n"a.com,pk\n{row(2)}\n'.encode(), "Line 3: unexpected end of data"),
        (f'{HEADER}\n{row(1)}\n"a"x,pk\n'.encode(), "Line 3: ',' expected after"),
        (
            f"{HEADER}\n{row(1)}\n{'x' * 200_000}\n{row(2)}\n".encode(),
            "Line 3: the line is too",
        ),
        (
            f'{HEADER}\n{row(1)}\n"{"x" * 80 * 1000}\n{"x" * 80 * 1000}"\n'.encode(),
            "Line 3: field larger than",
        ),
        (bytes(range(256)) * 20, "Line 1"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_bad_file_imports_nothing(db, content, message):
    with pytest.raises(InvalidValue, match=message):
        import_keys(io.BytesIO(content), skip_bad=True)
    assert not ApiKey.objects.exists()


def test_memory_does_not_grow_with_file(db):
    def peak(rows):
        class File(io.RawIOBase):
            lines = iter(
                [HEADER, *(row(n, name="x" * 150, environment="x") for n in range(rows)), ""]
            )

            def readable(self):
                return True

            def readinto(self, buffer):
                line = next(self.lines, "").encode()
                buffer[: len(line) + 1] = line + b"\n" if line else b"\n"
                return len(line) + 1 if line else 0

        file = File()
        tracemalloc.start()
        try:
            for _ in csv_file.read(io.BufferedReader(file)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4000) < 2 * peak(400)
