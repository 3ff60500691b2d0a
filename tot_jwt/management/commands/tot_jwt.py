"""``manage.py tot_jwt COMMAND``: domains, keys and tokens on the command line."""

import argparse
import json
import os
import sys
from contextlib import suppress
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.management import text
from tot_jwt.management.subcommands import SUBCOMMANDS, Subcommand


class DjangoOptions(BaseCommand):
    """Django's own options, for use after a subcommand.

    They have no defaults, which would replace what was given before the subcommand, and no help,
    which the command itself shows.
    """

    # Otherwise Django adds --skip-checks, with a default.
    requires_system_checks = ()

    def add_base_argument(self, parser: CommandParser, *args: Any, **kwargs: Any) -> None:
        """Add one of the options."""
        quiet = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        super().add_base_argument(parser, *args, **{**kwargs, **quiet})

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option that depends on the command."""
        self.add_base_argument(parser, "--skip-checks", action="store_true")


class Command(BaseCommand):
    """Dispatcher to `tot_jwt.management.subcommands`. It never prompts."""

    help = (
        "Manage app domains and API keys, import keys, inspect tokens, notify owners of "
        "expiring keys, and list the events. Django's own options may stand before or after the "
        "subcommand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add a parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        django_options = DjangoOptions().create_parser("", "", add_help=False)
        for subcommand in SUBCOMMANDS:
            subparser = subparsers.add_parser(
                subcommand.name,
                help=subcommand.help,
                description=subcommand.help,
                epilog="Django's own options may stand here too: see tot_jwt --help.",
                parents=[django_options],
            )
            subparser.add_argument(
                "--json", action="store_true", dest="as_json", help="Print one JSON document."
            )
            subcommand.add_arguments(subparser)
            subparser.set_defaults(chosen=subcommand)

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the subcommand, after Django's checks if it needs them."""
        if not options["chosen"].needs_checks:
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand and print its result. Exit with 1 if it failed."""
        subcommand: Subcommand = options["chosen"]
        try:
            result = subcommand.run({**options, "tell": self.tell})
        except ValidationError as error:
            raise CommandError(_with_fields(error)) from error
        except InvalidValue as error:
            raise CommandError(error.message) from error
        except TotJWTError as error:
            raise CommandError(error.detail) from error
        has_failed = subcommand.has_failed(result)
        if options["as_json"]:
            self._print(json.dumps(result), result)
        elif options["verbosity"] or subcommand.prints_always:
            shown = subcommand.as_text(result, heading=self.stdout.isatty())
            # Standard error shows what failed. "None." beside it would contradict it.
            if shown or (options["verbosity"] and not has_failed):
                self._print(shown or "None.", result)
        if has_failed:
            sys.exit(1)

    def _print(self, shown: str, result: Any) -> None:
        """Write the result to standard output. Exit if its reader has gone."""
        try:
            self.stdout.write(text.encodable(shown, getattr(self.stdout, "encoding", None)))
            self.stdout.flush()
        except OSError as error:
            # Otherwise Python writes the rest when it exits, and prints another error.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                sys.exit(1)
            raise CommandError(_unprinted(result, error)) from error

    def tell(self, line: str) -> None:
        """Write a line to standard error, without the style of an error."""
        self.stderr.write(line, style_func=str)


def _unprinted(result: Any, error: OSError) -> str:
    """Return what an operator must know if the result cannot be printed."""
    message = f"The work is done, but its result could not be printed: {error.strerror or error}."
    if isinstance(result, dict) and "totSecretKey" in result:
        message += f" The secret of {text.escaped(result['totApiKey'])} is lost: rotate the key."
    return message


def _with_fields(error: ValidationError) -> str:
    """Return the messages, each prefixed with the name of its field."""
    by_field = getattr(error, "message_dict", {NON_FIELD_ERRORS: error.messages})
    prefixes = {name: "" if name == NON_FIELD_ERRORS else f"{name}: " for name in by_field}
    return " ".join(prefixes[name] + " ".join(messages) for name, messages in by_field.items())
