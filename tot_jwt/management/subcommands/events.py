"""Subcommands for the record of what happened to keys and domains."""

from argparse import ArgumentParser

from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    days,
    find_domain,
    find_key,
    whole_number,
)
from tot_jwt.models import KeyEvent
from tot_jwt.utils import clock


class ListEvents(Subcommand):
    name = "list_events"
    help = "List what happened, newest first, to one key, to one domain with its keys, or to all."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("public_key", metavar="PUBLIC_KEY", nargs="?")
        what.add_argument("--domain")
        parser.add_argument(
            "--limit",
            type=whole_number(1, 1_000_000),
            default=100,
            metavar="N",
            help="How many at the most; 100 where it is not given.",
        )

    @staticmethod
    def run(options: Options) -> list[Document]:
        events = KeyEvent.objects.select_related("app_domain", "key")
        if options["public_key"]:
            events = events.filter(key=find_key(options["public_key"]))
        if options["domain"]:
            events = events.filter(app_domain=find_domain(options["domain"]))
        return [_document(event) for event in events[: options["limit"]]]


class PruneEvents(Subcommand):
    name = "prune_events"
    help = "Delete the events that are older than that, for ever."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=days, required=True, metavar="DAYS")

    @staticmethod
    def run(options: Options) -> Document:
        return {"deleted": KeyEvent.objects.prune(clock.now() - options["older_than"])}


def _document(event: KeyEvent) -> Document:
    return {
        "at": clock.rfc3339(event.at.timestamp()),
        "action": event.action,
        "appDomain": event.app_domain.domain,
        "totApiKey": event.key.public_key if event.key else None,
        "by": event.actor,
        "jti": event.jti,
        "address": event.address,
        "changes": {_camel_case(name): change for name, change in event.changes.items()},
    }


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
