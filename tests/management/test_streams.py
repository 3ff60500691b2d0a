"""Standard input and output that are closed, full, or in another encoding."""

import errno
import io
import os

import pytest
from django.core.management import CommandError, call_command

from tot_jwt.models import ApiKey


class Broken(io.StringIO):
    """A standard output that fails with an error of the operating system."""

    def __init__(self, number):
        super().__init__()
        self._number = number

    def write(self, text):
        raise OSError(self._number, os.strerror(self._number))


class Unreadable(io.StringIO):
    """A standard input that cannot be read."""

    def read(self, size=-1):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    "arguments", [["revoke_key", "-"], ["inspect_token"], ["import_keys", "-"]]
)
def test_closed_input_is_an_error(run, monkeypatch, arguments):
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(CommandError, match="Standard input is closed"):
        run(*arguments)


def test_unreadable_input_is_an_error(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", Unreadable())

    with pytest.raises(CommandError, match="Cannot read standard input"):
        run("revoke_key", "-")


def test_undecodable_input_is_not_found(run, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(b"pk_\xff\n"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stream)

    with pytest.raises(CommandError, match="does not exist"):
        run("revoke_key", "-")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_output_fits_its_encoding(make_key, encoding):
    key = make_key(name="Ключ ü")
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)

    call_command("tot_jwt", "show_key", key.public_key, stdout=out)

    shown = out.buffer.getvalue().decode(encoding)
    assert ("Ключ ü" in shown) is (encoding == "utf-8")
    assert (r"\u041a" in shown) is (encoding != "utf-8")


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_full_disk_tells_lost_secret(make_domain, arguments):
    make_domain(domain="a.io")

    with pytest.raises(CommandError) as caught:
        call_command(
            "tot_jwt", "create_key", "a.io", "--name", "x", *arguments, stdout=Broken(errno.ENOSPC)
        )

    public_key = ApiKey.objects.get().public_key
    assert "The work is done" in str(caught.value)
    assert f"The secret of {public_key} is lost: rotate the key." in str(caught.value)


def test_full_disk_without_a_secret(make_key):
    make_key()

    with pytest.raises(CommandError, match="could not be printed") as caught:
        call_command("tot_jwt", "list_keys", stdout=Broken(errno.ENOSPC))

    assert "secret" not in str(caught.value)


def test_broken_pipe_exits_quietly(make_key, capsys):
    make_key()

    with pytest.raises(SystemExit) as caught:
        call_command("tot_jwt", "list_keys", stdout=Broken(errno.EPIPE))

    assert caught.value.code == 1
    assert capsys.readouterr().err == ""
