"""``manage.py tot_jwt COMMAND``: domains, keys and tokens on the command line."""

import json
import sys
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.management.subcommands import SUBCOMMANDS


class Command(BaseCommand):
    """Dispatcher to `tot_jwt.management.subcommands`. It never prompts."""

    help = "Manage app domains and API keys, import keys, inspect tokens, and list the events."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add a parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        for subcommand in SUBCOMMANDS:
            subparser = subparsers.add_parser(
                subcommand.name, help=subcommand.help, description=subcommand.help
            )
            subparser.add_argument(
                "--json", action="store_true", dest="as_json", help="Print one JSON document."
            )
            subcommand.add_arguments(subparser)
            subparser.set_defaults(run=subcommand.run, has_failed=subcommand.has_failed)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand and print its result. Exit with 1 if it failed."""
        try:
            result = options["run"]({**options, "tell": self.tell})
        except ValidationError as error:
            raise CommandError(_with_fields(error)) from error
        except InvalidValue as error:
            raise CommandError(error.message) from error
        except TotJWTError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(json.dumps(result) if options["as_json"] else _as_text(result))
        if isinstance(result, dict) and options["has_failed"](result):
            sys.exit(1)

    def tell(self, line: str) -> None:
        """Write a line to standard error, without the style of an error."""
        self.stderr.write(line, style_func=str)


def _with_fields(error: ValidationError) -> str:
    """Return the messages, each prefixed with the name of its field."""
    by_field = getattr(error, "message_dict", {NON_FIELD_ERRORS: error.messages})
    prefixes = {name: "" if name == NON_FIELD_ERRORS else f"{name}: " for name in by_field}
    return " ".join(prefixes[name] + " ".join(messages) for name, messages in by_field.items())


#: The text shows each claim on its own line; standard error shows the bad rows.
_NOT_IN_TEXT = ("claims", "badRows")


def _as_text(result: Any) -> str:
    """Return a line for each member of a document; a blank line separates documents."""
    if isinstance(result, list):
        return "\n\n".join(map(_as_text, result)) or "None."
    lines = {name: value for name, value in result.items() if name not in _NOT_IN_TEXT} | (
        result.get("claims") or {}
    )
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {_value(value)}" for name, value in lines.items())


def _value(value: Any) -> str:
    """Return a value on one line, its unprintable characters escaped.

    Clients choose names, and a terminal acts on control characters in them.
    """
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "-"
    if isinstance(value, dict):
        changes = (f"{name}: {' → '.join(map(_value, pair))}" for name, pair in value.items())
        return "; ".join(changes) or "-"
    text = "-" if value in (None, "") else str(value)
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
