"""Subcommands for app domains."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError

from tot_jwt.api import responses
from tot_jwt.keys import (
    change_domain,
    create_domain,
    erase_domain,
    rename_domain,
    resume_domain,
    suspend_domain,
)
from tot_jwt.keys.locking import lock_domains
from tot_jwt.management import text
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    filled,
    find_domain,
    storable,
)
from tot_jwt.models import AppDomain, write_alias

COLUMNS = {
    "DOMAIN": "appDomain",
    "SUSPENDED": "suspended",
    "CREATED": "createdAt",
    "CONTACT": "contact",
    "ALIASES": "aliases",
    "NAME": "name",
}


def add_settings(parser: ArgumentParser, *, clears: str = "") -> None:
    """Add the options that set what a domain has besides its name."""
    parser.add_argument("--name", type=storable, help="Name of the application.")
    parser.add_argument(
        "--alias",
        type=storable,
        action="append",
        metavar="DOMAIN",
        help=f"Another domain that clients may send. May be repeated.{clears}",
    )
    parser.add_argument(
        "--contact",
        type=storable,
        metavar="EMAIL",
        help="Address that is told when a key is about to expire.",
    )
    parser.add_argument(
        "--external-id",
        type=storable,
        metavar="ID",
        help="Your own identifier of the application's owner.",
    )
    parser.add_argument(
        "--rate-limit",
        type=storable,
        metavar="RATE",
        help="Requests of all keys of an environment together, for example 6000/min.",
    )


class CreateDomain(Subcommand):
    """The subcommand ``create_domain``."""

    name = "create_domain"
    help = "Create an app domain. Each API key belongs to one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and its settings."""
        parser.add_argument("domain", type=storable)
        add_settings(parser)

    def run(self, options: Options) -> Document:
        """Create the domain."""
        app_domain = create_domain(
            options["domain"],
            name=options["name"] or "",
            aliases=options["alias"] or [],
            contact=options["contact"] or "",
            external_id=options["external_id"] or None,
            rate_limit=options["rate_limit"] or "",
            by=operator(),
        )
        return responses.app_domain(app_domain)


class ListDomains(Subcommand):
    """The subcommand ``list_domains``."""

    name = "list_domains"
    help = "List all app domains, one line each."
    prints_always = True

    def run(self, options: Options) -> list[Document]:
        """Return the domains."""
        return [responses.app_domain(domain) for domain in AppDomain.objects.iterator()]

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return one line for each domain."""
        short = ({**each, "createdAt": text.short_moment(each["createdAt"])} for each in result)
        return text.table(short, COLUMNS, heading=heading)


class ChangeDomain(Subcommand):
    """The subcommand ``change_domain``."""

    name = "change_domain"
    help = (
        "Change the settings of an app domain. Settings that are not given stay as they are. "
        'An empty text clears a setting: --external-id "".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and its settings."""
        parser.add_argument("domain", type=storable)
        add_settings(parser, clears=" The given ones replace all aliases.")

    def run(self, options: Options) -> Document:
        """Change the domain."""
        names = ("name", "alias", "contact", "external_id", "rate_limit")
        given = {name: options[name] for name in names if options[name] is not None}
        if not given:
            raise CommandError("Give at least one setting to change.")
        app_domain = find_domain(options["domain"])
        if "alias" in given:
            given["aliases"] = filled(given.pop("alias"))
        with transaction.atomic(using=write_alias()):
            # The lock keeps what another process changes meanwhile.
            row = lock_domains([app_domain])[0]
            return responses.app_domain(change_domain(row, **_settings(row) | given, by=operator()))


def _settings(row: AppDomain) -> dict[str, Any]:
    return {
        "name": row.name,
        "aliases": row.alias_list,
        "contact": row.contact,
        "external_id": row.external_id,
        "metadata": row.metadata,
        "rate_limit": row.rate_limit,
    }


class RenameDomain(Subcommand):
    """The subcommand ``rename_domain``."""

    name = "rename_domain"
    help = (
        "Give an app domain another name. Its live tokens end. "
        "The previous name is then unknown, unless it is kept as an alias."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add both names and ``--keep-alias``."""
        parser.add_argument("domain", type=storable, metavar="OLD")
        parser.add_argument("new", type=storable, metavar="NEW")
        parser.add_argument(
            "--keep-alias",
            action="store_true",
            help="Keep the previous name as an alias, so that clients may still send it.",
        )

    def run(self, options: Options) -> Document:
        """Rename the domain."""
        app_domain = find_domain(options["domain"])
        keep_alias = options["keep_alias"]
        renamed = rename_domain(app_domain, options["new"], keep_alias=keep_alias, by=operator())
        return responses.app_domain(renamed)


class DomainAction(Subcommand):
    """A subcommand that does one thing to one domain."""

    def __init__(self, name: str, act: Callable[..., AppDomain], help_text: str) -> None:
        self.name, self._act, self.help = name, act, help_text

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain."""
        parser.add_argument("domain", type=storable)

    def run(self, options: Options) -> Document:
        """Act on the domain."""
        return responses.app_domain(self._act(find_domain(options["domain"]), by=operator()))


SUSPEND_DOMAIN = DomainAction(
    "suspend_domain", suspend_domain, "Suspend all API keys and tokens of an app domain."
)
RESUME_DOMAIN = DomainAction(
    "resume_domain", resume_domain, "Let the API keys and tokens of an app domain work again."
)


class EraseDomain(Subcommand):
    """The subcommand ``erase_domain``."""

    name = "erase_domain"
    help = (
        "Erase an app domain with its API keys and their events, permanently and without a "
        "question. One event remains, which names neither the domain nor its keys."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain."""
        parser.add_argument("domain", type=storable)

    def run(self, options: Options) -> Document:
        """Erase the domain and return the numbers of erased rows."""
        app_domain = find_domain(options["domain"])
        try:
            erased = erase_domain(app_domain, by=operator())
        except IntegrityError as error:
            raise CommandError(
                f"Nothing was erased: {_holders(error)} refer to {app_domain} or its keys. "
                "Delete or change those rows first."
            ) from error
        return {"erased": app_domain.domain, **erased}


def _holders(error: IntegrityError) -> str:
    """Return the rows that keep a domain, as far as the error tells them: ``2 shop.Order``."""
    rows: Any = ()
    if isinstance(error, ProtectedError):
        rows = error.protected_objects
    elif isinstance(error, RestrictedError):
        rows = error.restricted_objects
    counts = Counter(row._meta.label for row in rows)
    return ", ".join(f"{n} {label}" for label, n in sorted(counts.items())) or "other rows"
