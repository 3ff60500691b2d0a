"""An operator's existing keys, brought in from a CSV file."""

import io
import tracemalloc

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from tests.support.key_files import HEADER, HEADER_ERROR, SECRET, row
from tot_jwt.exceptions import InvalidValue
from tot_jwt.http.credentials import CREDENTIALS
from tot_jwt.keys import csv_file as key_file
from tot_jwt.keys import importing
from tot_jwt.keys.importing import import_keys
from tot_jwt.keys.record import person
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.rules.credentials import hash_secret
from tot_jwt.signals import key_event


@pytest.fixture
def load(db):
    """``load("a.com,pk,secret,,,", skip_bad=True)``: import a file of these rows beneath the usual header."""

    def load(*rows, header=HEADER, **options):
        return import_keys(io.BytesIO("\n".join([header, *rows, ""]).encode()), **options)

    return load


def bad(report):
    return [(found.line, found.reason) for found in report.bad_rows]


def test_keys_are_imported_and_work(load, post_token):
    report = load(
        'MyApp.com,old.1,"a secret, with ""quotes"" and Ümläute",The first,test,b a',
        f"bücher.example,old.2,{SECRET},,,",
    )

    assert (report.imported, report.domains_created, report.bad_rows) == (2, 2, [])
    first, second = ApiKey.objects.order_by("public_key")
    assert (
        first.app_domain.domain,
        first.name,
        first.environment,
        first.scopes,
        first.secret_hint,
    ) == (
        *("myapp.com", "The first", "test", "a b"),
        "äute",
    )
    assert (second.app_domain.domain, second.name, second.environment, second.scopes) == (
        *("xn--bcher-kva.example", "old.2", "live"),
        "",
    )
    first.secret, second.secret = 'a secret, with "quotes" and Ümläute', SECRET
    assert [post_token(key).status_code for key in (first, second)] == [200, 200]


@pytest.mark.req("B2")
def test_only_the_hash_is_stored(load):
    load(row(1, secret=SECRET))

    (stored,) = ApiKey.objects.values()
    assert stored["secret_hash"] == hash_secret(SECRET)
    assert SECRET not in repr(stored) + repr(KeyEvent.objects.values())


def test_import_is_on_record_and_signalled(load, make_user, django_capture_on_commit_callbacks):
    received = []

    def receive(event, **_):
        received.append((event.action, event.key.public_key, event.app_domain.domain))

    user = make_user(username="ada")
    key_event.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            load(row(1, scopes="b a"), row(2), by=person(user, "192.0.2.1"))
            assert received == []
    finally:
        key_event.disconnect(receive)

    assert received == [("imported", "old1", "myapp.com"), ("imported", "old2", "myapp.com")]
    event = KeyEvent.objects.get(key__public_key="old1")
    assert (event.user, event.actor, event.address) == (user, "ada", "192.0.2.1")
    assert event.changes["scopes"] == [None, "a b"]
    assert set(ApiKey.objects.values_list("created_by", flat=True)) == {user.pk}


def test_without_listeners_nothing_is_asked_after_the_commit(
    load, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as callbacks:
        load(row(1))

    with CaptureQueriesContext(connection) as captured:
        for callback in callbacks:
            callback()
    assert (len(callbacks), len(captured)) == (1, 0)


def test_columns_may_stand_in_any_order_and_some_be_missing(load):
    report = load(f"{SECRET},pk,a.com", f"{SECRET},pk2,a.com", header=" Secret ,PUBLIC,domain")

    assert report.imported == 2
    assert set(ApiKey.objects.values_list("name", "environment", "scopes")) == {
        ("pk", "live", ""),
        ("pk2", "live", ""),
    }


def test_blank_lines_other_line_ends_and_a_byte_order_mark_do_not_matter(db):
    text = f"\ufeff{HEADER}\r\n\r\n{row(1)}\r\n" + f"{row(2)}\n\n" + row(3)

    assert import_keys(io.BytesIO(text.encode())).imported == 3


def test_file_is_left_open(db):
    file = io.BytesIO(f"{HEADER}\n{row(1)}\n".encode())

    import_keys(file)

    assert not file.closed


# Bad rows

BAD_ROWS = {
    "too few fields": ("myapp.com,pk", "There are 2 fields, where the header has 6."),
    "too many fields": (row(1) + ",x", "There are 7 fields, where the header has 6."),
    "a NUL": (row(1, name="x\0y"), "There is a NUL character."),
    "no domain": (row(1, domain=""), "domain: This is not a valid domain name."),
    "a bad domain": (row(1, domain="no domain"), "domain: This is not a valid domain name."),
    "no public key": (row(1, public=""), "public: It is missing."),
    "a public key with a space": (
        row(1, public="pk 1"),
        "public: Printable ASCII without spaces, quotes",
    ),
    "a long public key": (
        row(1, public="x" * 129),
        "public: Ensure this value has at most 128 characters",
    ),
    "a secret for a public key": (
        row(1, public="sk_live_x"),
        "public: It looks like a secret key.",
    ),
    "no secret": (row(1, secret="  "), "secret: It is missing."),
    "a secret with space around": (
        row(1, secret=SECRET + " "),
        "secret: It begins or ends with white space.",
    ),
    "a long secret": (row(1, secret="x" * 513), "secret: It is longer than 512 characters."),
    "a weak secret": (row(1, secret="x" * 19), "secret: It is shorter than 20 characters."),
    "the public key as secret": (
        row(1, public="p" * 20, secret="p" * 20),
        "secret: It is the public key",
    ),
    "a long name": (row(1, name="x" * 201), "name: Ensure this value has at most 200 characters"),
    "another environment": (
        row(1, environment="prod"),
        "environment: It is neither live nor test.",
    ),
    "no scope": (
        row(1, scopes='a b\\ "'),
        "scopes: Number 2 of them is none that an API key may be given.",
    ),
    "the scope of tokens": (
        row(1, scopes="keys:manage"),
        "scopes: Number 1 of them is none that an API key may be",
    ),
    "many scopes": (
        row(1, scopes=" ".join(map(str, range(51)))),
        "scopes: A key has at most 50 scopes.",
    ),
    "long scopes": (
        row(1, scopes=f"{'a' * 1000} {'b' * 1000}"),
        "scopes: The scopes together are too long",
    ),
}


@pytest.mark.parametrize(("text", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_row_is_told_by_its_line_and_nothing_is_imported(load, text, reason):
    report = load(row(8), text, row(9))

    assert [line for line, _ in bad(report)] == [3]
    assert bad(report)[0][1].startswith(reason)
    assert (report.is_refused, report.imported, report.domains_created) == (True, 0, 0)
    assert (ApiKey.objects.count(), AppDomain.objects.count(), KeyEvent.objects.count()) == (
        0,
        0,
        0,
    )


@pytest.mark.parametrize("text", [text for text, _ in BAD_ROWS.values()], ids=BAD_ROWS)
def test_bad_row_is_skipped_where_that_is_asked_for(load, text):
    report = load(row(8), text, row(9), skip_bad=True)

    assert (report.imported, report.is_refused, len(report.bad_rows)) == (2, False, 1)
    assert sorted(ApiKey.objects.values_list("public_key", flat=True)) == ["old8", "old9"]


def test_unknown_scope_is_bad_where_there_is_a_catalogue(load, settings):
    settings.TOT_JWT = {"SCOPES": {"a": "A"}}

    report = load(row(1, scopes="a"), row(2, scopes="a zebra"))

    assert bad(report) == [(3, "scopes: Number 2 of them is none that an API key may be given.")]


def test_bytes_that_are_not_utf_8_are_a_bad_row(db):
    rows = (
        f"{HEADER}\n{row(1)}\n".encode()
        + row(2, name="Müller").encode("latin-1")
        + b"\n"
        + row(3).encode()
    )

    report = import_keys(io.BytesIO(rows), skip_bad=True)

    assert (report.imported, bad(report)) == (2, [(3, "There are bytes that are not UTF-8.")])


def test_line_of_a_row_is_where_it_begins(load):
    report = load(
        row(1, name='"two\nlines"'),
        "",
        row(2, name='"two\nmore"', environment="x"),
        row(3, domain=""),
    )

    assert [line for line, _ in bad(report)] == [5, 7]


@pytest.mark.req("E6")
def test_weak_secret_is_taken_where_that_is_allowed_and_hints_at_nothing(load, post_token):
    report = load(row(1, secret="hunter2"), row(2, secret="x" * 16 + "last"), allow_weak=True)

    assert report.imported == 2
    weak, strong = ApiKey.objects.order_by("public_key")
    assert (weak.secret_hint, strong.secret_hint) == ("", "last")
    weak.secret = "hunter2"
    assert post_token(weak).status_code == 200


def test_reasons_repeat_nothing_of_the_row(load):
    """Not even with the secret in any other column."""
    for column in HEADER.split(","):
        secret = "Hunter2 hunter2 hunter2\\" * 30
        cells = {"secret": SECRET, column: secret}
        (found,) = load(row(1, **cells)).bad_rows
        assert "unter2" not in found.reason


def test_longest_secret_is_the_one_that_a_client_may_send():
    assert CREDENTIALS["totSecretKey"] == key_file.MAX_SECRET


# Duplicates


def test_key_that_exists_is_a_bad_row(load, make_key):
    make_key(public_key="old2")

    report = load(row(1), row(2), row(3), skip_bad=True)

    assert (report.imported, bad(report)) == (2, [(3, str(importing.TAKEN))])
    assert ApiKey.objects.get(public_key="old2").secret_hash != hash_secret(f"{SECRET}2")


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_key_that_stands_twice_in_the_file_is_a_bad_row_the_second_time(load, monkeypatch, batch):
    monkeypatch.setattr(importing, "BATCH", batch)

    report = load(row(1), row(2), row(1, secret="x" * 32), row(3), skip_bad=True)

    assert (report.imported, bad(report)) == (3, [(4, str(importing.TAKEN))])
    assert ApiKey.objects.get(public_key="old1").secret_hash == hash_secret(f"{SECRET}1")


@pytest.mark.parametrize("batch", [1, 1000])
def test_keys_that_differ_in_case_are_two_where_the_database_tells_them_apart(
    load, make_key, monkeypatch, batch
):
    monkeypatch.setattr(importing, "BATCH", batch)
    make_key(public_key="pk_There")

    report = load(
        row(1, public="pk_a"), row(2, public="PK_A"), row(3, public="pk_there"), skip_bad=True
    )

    expected = (1, [3, 4]) if connection.vendor == "mysql" else (3, [])
    assert (report.imported, [line for line, _ in bad(report)]) == expected


def test_domain_of_a_skipped_row_is_not_created(load, make_key):
    make_key(public_key="old1")

    report = load(
        row(1, domain="other.example"), row(2, domain="x", secret="x"), row(3), skip_bad=True
    )

    assert (report.imported, report.domains_created) == (1, 1)
    assert not AppDomain.objects.filter(domain__in=["other.example", "x"]).exists()


def test_domain_that_exists_is_used(load, make_domain):
    domain = make_domain(domain="myapp.com")

    report = load(row(1, domain="MYAPP.com"))

    assert (report.domains_created, ApiKey.objects.get().app_domain) == (0, domain)


def test_key_that_somebody_else_creates_at_the_moment_is_an_error(load, monkeypatch):
    def lost(*args, **kwargs):
        raise IntegrityError

    monkeypatch.setattr(importing, "_ids", lost)

    with pytest.raises(InvalidValue, match="at this moment"):
        load(row(1))
    assert not ApiKey.objects.exists()


# Bad files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"\n\n", "The file is empty"),
        (b"domain,public\na.com,pk\n", HEADER_ERROR),
        (b"domain,public,secret,scope\n", HEADER_ERROR),
        (b"domain,public,secret,secret\n", HEADER_ERROR),
        (b"domain;public;secret\n", HEADER_ERROR),
        (row(1).encode(), HEADER_ERROR),
        (f"{HEADER}\n{row(1)}\n".encode("utf-16"), HEADER_ERROR),
        (f'{HEADER}\n{row(1)}\n"a.com,pk\n{row(2)}\n'.encode(), "Line 3: unexpected end of data"),
        (f'{HEADER}\n{row(1)}\n"a"x,pk\n'.encode(), "Line 3: ',' expected after"),
        (
            f"{HEADER}\n{row(1)}\n{'x' * 200_000}\n{row(2)}\n".encode(),
            "Line 3: longer than any key",
        ),
        (
            f'{HEADER}\n{row(1)}\n"{"x" * 80 * 1000}\n{"x" * 80 * 1000}"\n'.encode(),
            "Line 3: field larger than",
        ),
        (bytes(range(256)) * 20, "Line 1"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_bad_file_is_an_error_and_nothing_is_imported_whatever_may_be_skipped(db, content, message):
    with pytest.raises(InvalidValue, match=message):
        import_keys(io.BytesIO(content), skip_bad=True)
    assert not ApiKey.objects.exists()


def test_file_with_nothing_but_a_header_imports_nothing(load):
    report = load()

    assert (report.imported, report.is_refused) == (0, False)


# Large files


def test_file_is_read_no_further_than_bad_rows_make_sense_of(load, monkeypatch):
    monkeypatch.setattr(importing, "MAX_BAD_ROWS", 3)
    rows = [row(number, domain="") for number in range(10)]

    refused, skipped = load(*rows), load(*rows, row(11), skip_bad=True)

    assert [(len(report.bad_rows), report.is_cut_short) for report in (refused, skipped)] == [
        (3, True),
        (10, False),
    ]
    assert skipped.imported == 1


def test_queries_do_not_grow_with_each_row(load):
    def queries(first, last):
        with CaptureQueriesContext(connection) as captured:
            assert (
                load(*[row(n, domain=f"d{n % 7}.example") for n in range(first, last)]).imported
                == last - first
            )
        return len(captured)

    queries(0, 1)
    assert queries(1000, 1800) < queries(2000, 2010) + 100


def test_memory_does_not_grow_with_the_file(db, monkeypatch):
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
            for _ in key_file.read(io.BufferedReader(file)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4000) < 2 * peak(400)


def test_progress_is_told_after_each_batch(load, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    told = []

    load(*map(row, range(5)), progress=told.append)

    assert told == [2, 4, 5]
