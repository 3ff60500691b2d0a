"""Subcommands for the events of keys and domains."""

from argparse import ArgumentParser

from tot_jwt.api import responses
from tot_jwt.keys import prune_events
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    days,
    find_domain,
    find_key,
    storable,
    whole_number,
)
from tot_jwt.models import KeyEvent
from tot_jwt.utils import clock


class ListEvents(Subcommand):
    """The subcommand ``list_events``."""

    name = "list_events"
    help = "List the events of one API key, of one domain with its keys, or of all, newest first."
    prints_always = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key or the domain, and the limit."""
        subject = parser.add_mutually_exclusive_group()
        subject.add_argument("public_key", metavar="PUBLIC_KEY", nargs="?")
        subject.add_argument("--domain", type=storable)
        parser.add_argument(
            "--limit",
            type=whole_number(1, 1_000_000),
            default=100,
            metavar="N",
            help="Maximum number of events (default: 100).",
        )

    def run(self, options: Options) -> list[Document]:
        """Return the events."""
        events = KeyEvent.objects.select_related("app_domain", "key")
        if options["public_key"] is not None:
            events = events.filter(key=find_key(options["public_key"]))
        if options["domain"] is not None:
            events = events.filter(app_domain=find_domain(options["domain"]))
        return [responses.key_event(event) for event in events[: options["limit"]]]


class PruneEvents(Subcommand):
    """The subcommand ``prune_events``."""

    name = "prune_events"
    help = "Delete the events that are older than DAYS days, permanently. An event records it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the age."""
        parser.add_argument(
            "--older-than", type=days, required=True, metavar="DAYS", help="Minimum age in days."
        )

    def run(self, options: Options) -> Document:
        """Delete the events and return their number."""
        deleted = prune_events(clock.now() - options["older_than"], by=operator())
        return {"deleted": deleted}
