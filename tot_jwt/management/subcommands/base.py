"""What subcommands have in common."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.core.management.base import CommandError

from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.rules.domains import from_person

Options = Mapping[str, Any]
Document = dict[str, Any]


class Subcommand:
    """One subcommand; its help is the first thing that people see of it."""

    name: ClassVar[str]
    help: ClassVar[str]

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Arguments beside ``--json``."""

    @staticmethod
    def run(options: Options) -> Document | list[Document]:
        """Do it and say what came of it. ``options["tell"]`` writes a line to standard error meanwhile."""
        raise TypeError("A subcommand needs run().")  # pragma: no cover

    @staticmethod
    def has_failed(document: Document) -> bool:
        """Whether the command exits with 1 after it said what came of it."""
        return False


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number between these two."""

    def parse(text: str) -> int:
        # Within twelve digits, because int() refuses thousands with an error of its own.
        if re.fullmatch("[0-9]{1,12}", text) and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")

    return parse


def days(text: str) -> timedelta:
    """The type of an argument that is a number of days, a hundred years at the most."""
    return timedelta(days=whole_number(1, 36_500)(text))


def add_key(parser: ArgumentParser) -> None:
    """The argument for one key."""
    parser.add_argument("public_key", metavar="PUBLIC_KEY")


def find_key(public_key: str) -> ApiKey:
    """The key of exactly that name: some databases would find it by another. Raises CommandError."""
    key = (
        ApiKey.objects.select_related("app_domain", "created_by_key")
        .filter(public_key=public_key)
        .first()
    )
    if key is None or key.public_key != public_key:
        raise CommandError(f"There is no key {public_key}.")
    return key


def find_domain(text: str) -> AppDomain:
    """The domain of what a person typed. Raises InvalidValue, CommandError."""
    domain = from_person(text)
    try:
        return AppDomain.objects.get(domain=domain)
    except AppDomain.DoesNotExist as error:
        raise CommandError(
            f"There is no domain {domain}: create it with create_domain first."
        ) from error
