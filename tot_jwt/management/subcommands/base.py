"""The base of all subcommands, and the arguments that several of them take."""

import io
import re
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, TextIO

from django.core.management.base import CommandError

from tot_jwt.management import text
from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.rules.credentials import is_possible_key
from tot_jwt.rules.domains import from_person

#: The parsed arguments, and ``tell``, which writes a line to standard error.
Options = Mapping[str, Any]
Document = dict[str, Any]

#: Public keys that one query looks for.
BATCH = 500


class Subcommand(ABC):
    """A subcommand of ``manage.py tot_jwt``."""

    name: str
    help: str
    #: Whether ``-v 0`` prints the result too: the operator asked for it, or it holds a new secret.
    prints_always: ClassVar[bool] = False
    #: Whether Django's checks run first. A command that helps to repair their errors skips them.
    needs_checks: ClassVar[bool] = True

    def add_arguments(self, parser: ArgumentParser) -> None:  # noqa: B027 - some take none
        """Add the arguments other than ``--json``."""

    @abstractmethod
    def run(self, options: Options) -> Document | list[Document]:
        """Do the work and return what the command prints."""

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return the result as text. A `heading` is for people: it names the columns."""
        documents = result if isinstance(result, list) else [result]
        return "\n\n".join(map(text.members, documents))

    def has_failed(self, result: Any) -> bool:
        """Return whether the command must exit with 1 after it printed the result."""
        return False


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the type of an argument that is a whole number in this range, ends included."""

    def parse(text: str) -> int:
        # int() rejects thousands of digits with an error of its own.
        if re.fullmatch("[0-9]{1,12}", text) and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")

    return parse


#: The type of an argument that is a number of days, at most a hundred years.
number_of_days = whole_number(1, 36_500)


def days(text: str) -> timedelta:
    """Parse an argument that is a number of days, at most a hundred years."""
    return timedelta(days=number_of_days(text))


def storable(text: str) -> str:
    """Parse an argument that is a text. Reject characters that no database stores."""
    # Python turns bytes of an argument that it cannot decode into halves of surrogate pairs.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ArgumentTypeError("has a NUL character, or bytes that are not valid text")
    return text


def standard_input() -> TextIO:
    """Return standard input, which replaces bytes that it cannot decode.

    Raises CommandError if it is closed.
    """
    if sys.stdin is None:
        raise CommandError("Standard input is closed.")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def read_input() -> str:
    """Return the text of standard input. Raises CommandError."""
    try:
        return standard_input().read()
    except OSError as error:
        raise CommandError(f"Cannot read standard input: {error.strerror}.") from error


def filled(texts: Iterable[str]) -> list[str]:
    """Return the texts that are not empty."""
    return [text for text in texts if text]


def add_key_argument(parser: ArgumentParser) -> None:
    """Add the argument that names a key."""
    parser.add_argument("public_key", metavar="PUBLIC_KEY")


def find_key(public_key: str) -> ApiKey:
    """Return the key with exactly this public key, with its domain and its creator.

    Raises CommandError if it does not exist.
    """
    keys = ApiKey.objects.with_related()
    key: ApiKey | None = keys.get_exact(public_key)
    if key is None:
        raise _missing([public_key])
    return key


def find_keys(public_keys: Iterable[str]) -> list[ApiKey]:
    """Return the keys with exactly these public keys, each once, in the order given.

    Raises CommandError if one does not exist. It names all that do not.
    """
    wanted = list(dict.fromkeys(public_keys))
    possible = [public_key for public_key in wanted if is_possible_key(public_key)]
    found = {
        key.public_key: key
        for start in range(0, len(possible), BATCH)
        for key in ApiKey.objects.with_related().filter(
            public_key__in=possible[start : start + BATCH]
        )
    }
    missing = [public_key for public_key in wanted if public_key not in found]
    if missing:
        raise _missing(missing)
    return [found[public_key] for public_key in wanted]


def find_domain(text: str) -> AppDomain:
    """Return the domain that an operator typed. Raises InvalidValue, CommandError."""
    domain = from_person(text)
    try:
        return AppDomain.objects.get(domain=domain)
    except AppDomain.DoesNotExist as error:
        raise CommandError(
            f"Domain {domain} does not exist. Create it with create_domain first."
        ) from error


def _missing(public_keys: Iterable[str]) -> CommandError:
    return CommandError(
        "\n".join(f"API key {text.escaped(each)} does not exist." for each in public_keys)
    )
