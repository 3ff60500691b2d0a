"""Subcommands that show API keys."""

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q

from tot_jwt.api import responses
from tot_jwt.keys.expiring import expired_q
from tot_jwt.management import text
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key_argument,
    days,
    find_domain,
    find_key,
    storable,
)
from tot_jwt.models import ApiKey, Environment, KeyStatus
from tot_jwt.rules.status import status_q
from tot_jwt.utils import clock

COLUMNS = {
    "PUBLIC KEY": "totApiKey",
    "STATUS": "status",
    "ENV": "environment",
    "LAST USED": "lastUsedAt",
    "EXPIRES": "expiresAt",
    "DOMAIN": "appDomain",
    "NAME": "name",
}


def key_table(documents: Iterable[Document], *, heading: bool) -> str:
    """Return one line for each key."""
    short = (
        {name: text.short_moment(each[name]) for name in ("lastUsedAt", "expiresAt")}
        for each in documents
    )
    rows = ({**each, **moments} for each, moments in zip(documents, short, strict=True))
    return text.table(rows, COLUMNS, heading=heading)


class ListKeys(Subcommand):
    """The subcommand ``list_keys``."""

    name = "list_keys"
    help = (
        "List API keys, one line each, newest first. Options narrow the list together. "
        "--unused-for and --expires-within leave out revoked keys, unless --status is given."
    )
    prints_always = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and the conditions."""
        parser.add_argument("domain", nargs="?", type=storable)
        parser.add_argument("--status", choices=KeyStatus.values, help="Status of the keys.")
        parser.add_argument("--env", choices=Environment.values, help="Environment of the keys.")
        parser.add_argument(
            "--unused-for",
            type=days,
            metavar="DAYS",
            help="Keys unused for this long. A key that was never used counts from its creation.",
        )
        parser.add_argument(
            "--expires-within",
            type=days,
            metavar="DAYS",
            help="Keys that expire within this time, by themselves or with their creator.",
        )

    def run(self, options: Options) -> list[Document]:
        """Return the keys, without their secrets."""
        keys = ApiKey.objects.with_related().filter(*_conditions(options))
        return [responses.api_key(key) for key in keys.iterator()]

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return one line for each key."""
        return key_table(result, heading=heading)


def _conditions(options: Options) -> Iterable[Q]:
    # A script's unset variable must not select all keys.
    if options["domain"] is not None:
        yield Q(app_domain=find_domain(options["domain"]))
    if options["status"]:
        yield status_q(KeyStatus(options["status"]))
    elif options["unused_for"] or options["expires_within"]:
        yield ~status_q(KeyStatus.REVOKED)
    if options["env"]:
        yield Q(environment=options["env"])
    if options["unused_for"]:
        yield _unused_q(options["unused_for"])
    if options["expires_within"]:
        yield expired_q(clock.now() + options["expires_within"]) & ~expired_q(clock.now())


def _unused_q(age: timedelta) -> Q:
    moment = clock.now() - age
    return Q(last_used_at__lte=moment) | Q(last_used_at=None, created_at__lte=moment)


class ShowKey(Subcommand):
    """The subcommand ``show_key``."""

    name = "show_key"
    help = "Show an API key with all its settings, without its secret."
    prints_always = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key."""
        add_key_argument(parser)

    def run(self, options: Options) -> Document:
        """Return the key."""
        return responses.api_key(find_key(options["public_key"]))
