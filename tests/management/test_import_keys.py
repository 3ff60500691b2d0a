"""``import_keys``. tests/keys tests which rows and files are accepted."""

import hashlib
import io
from argparse import ArgumentParser

import pytest
from django.core.management import CommandError

from tests.support.key_files import FULL_HEADER, HEADER, HEADER_ERROR, full_row, row
from tot_jwt.management.subcommands.import_keys import ImportKeys
from tot_jwt.models import ApiKey, KeyEvent
from tot_jwt.rules.hashes import hash_secret


@pytest.fixture
def write_csv(tmp_path):
    """``write_csv(row(1), …)``: the path of a file with these rows."""

    def write_csv(*rows, header=HEADER):
        path = tmp_path / "keys.csv"
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
        return str(path)

    return write_csv


def test_valid_file_is_imported(run_json, write_csv):
    assert run_json("import_keys", write_csv(row(1), row(2))) == {
        "imported": 2,
        "domainsCreated": 1,
        "refused": False,
        "cutShort": False,
        "badRows": [],
    }
    assert KeyEvent.objects.first().action == KeyEvent.Action.IMPORTED


def test_bad_row_stops_the_import(run, run_json, write_csv, capsys):
    path = write_csv(row(1), row(2, secret="short"), row(3))

    with pytest.raises(SystemExit, match="1"):
        run("import_keys", path)
    bad_row, conclusion = capsys.readouterr().err.splitlines()
    assert bad_row.startswith("Line 3: secret: ")
    assert "20 characters" in bad_row
    assert conclusion == "Nothing was imported."

    with pytest.raises(SystemExit, match="1"):
        run_json("import_keys", path)
    assert capsys.readouterr().err == ""
    assert not ApiKey.objects.exists()


def test_options_skip_and_allow_rows(run, run_json, write_csv, capsys):
    path = write_csv(row(1), row(2, secret="short"), row(3, scopes="\\"))

    assert "imported        1\n" in run("import_keys", path, "--skip-bad")
    told = [line.split(": ")[:2] for line in capsys.readouterr().err.splitlines()]
    assert told == [["Line 3", "secret"], ["Line 4", "scopes"]]
    printed = run_json("import_keys", path, "--skip-bad", "--allow-weak")
    assert (printed["imported"], [found["line"] for found in printed["badRows"]]) == (1, [2, 4])


def test_all_columns_are_imported(run_json, write_csv):
    path = write_csv(
        full_row(1, expires_at="2090-01-31T12:00:00Z", rate_limit="600/min", allowed_ips="::1"),
        full_row(2, secret_hash=hash_secret("the secret of the second")),
        full_row(3, status="revoked", can_issue_tokens="false", environment="test"),
        header=FULL_HEADER,
    )

    assert run_json("import_keys", path)["imported"] == 3
    keys = {row["totApiKey"]: row for row in run_json("list_keys")}
    assert [keys[name]["status"] for name in ("old1", "old2", "old3")] == [
        "active",
        "active",
        "revoked",
    ]
    assert (keys["old1"]["expiresAt"], keys["old3"]["environment"]) == (
        "2090-01-31T12:00:00.000Z",
        "test",
    )


def test_bad_hash_is_not_repeated(run, write_csv, capsys):
    path = write_csv(full_row(1, secret_hash="sha512$$c0ffee"), header=FULL_HEADER)

    with pytest.raises(SystemExit):
        run("import_keys", path)

    told = capsys.readouterr().err
    assert told.startswith("Line 2: secret_hash: This hash is cut off")
    assert "c0ffee" not in told


@pytest.mark.req("B6")
def test_hash_of_public_key_is_refused(run, write_csv, capsys):
    digest = hashlib.sha256(b"Old-Key.A1").hexdigest()
    rows = [
        full_row(1, public="Old-Key.A1", secret=digest),
        full_row(2, public="Old-Key.A1", secret_hash=f"sha256${digest}"),
    ]

    with pytest.raises(SystemExit):
        run("import_keys", write_csv(*rows, header=FULL_HEADER))

    first, second = capsys.readouterr().err.splitlines()[:2]
    assert first.startswith("Line 2: secret: This is a stored hash")
    assert second.startswith("Line 3: secret_hash: This is the hash of an empty text or of another")


def test_reading_stops_after_hundred_bad_rows(run, write_csv, capsys):
    with pytest.raises(SystemExit):
        run("import_keys", write_csv(*[row(number, domain="") for number in range(200)]))

    assert capsys.readouterr().err.splitlines()[100:] == [
        "Stopped reading after 100 bad rows.",
        "Nothing was imported.",
    ]


def test_dash_reads_standard_input(run_json, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{HEADER}\n{row(1)}".encode())))

    assert run_json("import_keys", "-")["imported"] == 1


def test_progress_is_told_at_intervals(db, write_csv):
    subcommand, parser, told = ImportKeys(progress_every=2000), ArgumentParser(), []
    subcommand.add_arguments(parser)
    options = vars(parser.parse_args([write_csv(*map(row, range(2001)))]))

    subcommand.run({**options, "as_json": False, "tell": told.append})

    assert told == ["2000 keys so far"]


@pytest.mark.parametrize(
    ("name", "message"), [("missing.csv", "No such file"), ("", "Is a directory")]
)
def test_unreadable_file_is_an_error(run, tmp_path, name, message):
    with pytest.raises(CommandError, match=message):
        run("import_keys", str(tmp_path / name))


def test_malformed_file_is_an_error(run, tmp_path):
    path = tmp_path / "keys.csv"
    path.write_bytes(b"\x00\xff")

    with pytest.raises(CommandError, match=HEADER_ERROR):
        run("import_keys", str(path))
