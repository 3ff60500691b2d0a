"""``manage.py tot_jwt COMMAND``: domains, keys and tokens on the command line."""

import json
import sys
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.management.subcommands import SUBCOMMANDS


class Command(BaseCommand):
    """Dispatches to `tot_jwt.management.subcommands`. Nothing ever prompts."""

    help = "Create, import, list, rotate and revoke API keys, look into tokens, and read the record of what happened."

    def add_arguments(self, parser: CommandParser) -> None:
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
        """Write a line to standard error that is no error."""
        self.stderr.write(line, style_func=str)


def _with_fields(error: ValidationError) -> str:
    by_field = getattr(error, "message_dict", {NON_FIELD_ERRORS: error.messages})
    prefixes = {name: "" if name == NON_FIELD_ERRORS else f"{name}: " for name in by_field}
    return " ".join(prefixes[name] + " ".join(messages) for name, messages in by_field.items())


#: Claims stand one to a line like all else, bad rows on standard error.
_ELSEWHERE = ("claims", "badRows")


def _as_text(result: Any) -> str:
    if isinstance(result, list):
        return "\n\n".join(map(_as_text, result)) or "None."
    lines = {name: value for name, value in result.items() if name not in _ELSEWHERE} | (
        result.get("claims") or {}
    )
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {_value(value)}" for name, value in lines.items())


def _value(value: Any) -> str:
    """A value on one line; of names that clients gave, nothing reaches the terminal that it would act on."""
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "-"
    if isinstance(value, dict):
        return (
            "; ".join(
                f"{name}: {' → '.join(map(_value, change))}" for name, change in value.items()
            )
            or "-"
        )
    text = "-" if value in (None, "") else str(value)
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
