"""The base of all subcommands, and the arguments that several of them take."""

import re
from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.core.management.base import CommandError

from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.rules.domains import from_person

#: The parsed arguments, and ``tell``, which writes a line to standard error.
Options = Mapping[str, Any]
Document = dict[str, Any]


class Subcommand(ABC):
    """A subcommand of ``manage.py tot_jwt``."""

    name: ClassVar[str]
    help: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:  # noqa: B027 - some take none
        """Add the arguments other than ``--json``."""

    @abstractmethod
    def run(self, options: Options) -> Document | list[Document]:
        """Do the work and return what the command prints."""

    def has_failed(self, document: Document) -> bool:
        """Return whether the command must exit with 1 after it printed the document."""
        return False


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the type of an argument that is a whole number in this range, ends included."""

    def parse(text: str) -> int:
        # int() rejects thousands of digits with an error of its own.
        if re.fullmatch("[0-9]{1,12}", text) and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")

    return parse


def days(text: str) -> timedelta:
    """Parse an argument that is a number of days, at most a hundred years."""
    return timedelta(days=whole_number(1, 36_500)(text))


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
        raise CommandError(f"API key {public_key} does not exist.")
    return key


def find_domain(text: str) -> AppDomain:
    """Return the domain that an operator typed. Raises InvalidValue, CommandError."""
    domain = from_person(text)
    try:
        return AppDomain.objects.get(domain=domain)
    except AppDomain.DoesNotExist as error:
        raise CommandError(
            f"Domain {domain} does not exist. Create it with create_domain first."
        ) from error
