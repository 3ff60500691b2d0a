"""The subcommand that changes an API key."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from tot_jwt.api import responses
from tot_jwt.keys import change_key
from tot_jwt.keys.locking import lock_key
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key_argument,
    days,
    filled,
    find_key,
    storable,
)
from tot_jwt.management.subcommands.keys import RATE_HELP, add_scope_argument
from tot_jwt.models import ApiKey, write_alias
from tot_jwt.utils import clock


class ChangeKey(Subcommand):
    """The subcommand ``change_key``."""

    name = "change_key"
    help = (
        "Change the settings of an API key. Settings that are not given stay as they are. "
        "The given scopes replace all scopes, and the given networks replace all networks. "
        'An empty text clears the scopes: --scope "".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and its settings."""
        add_key_argument(parser)
        parser.add_argument("--name", type=storable, help="Name of the key.")
        add_scope_argument(parser)
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument(
            "--expires-in-days", type=days, metavar="DAYS", help="Days until the key expires."
        )
        expiry.add_argument("--no-expiry", action="store_true", help="The key never expires.")
        networks = parser.add_mutually_exclusive_group()
        networks.add_argument(
            "--allow-ip",
            type=storable,
            action="append",
            metavar="CIDR",
            help="Network from which the key works. May be repeated.",
        )
        networks.add_argument("--any-ip", action="store_true", help="The key works everywhere.")
        rate = parser.add_mutually_exclusive_group()
        rate.add_argument("--rate-limit", type=storable, metavar="RATE", help=RATE_HELP)
        rate.add_argument("--no-rate-limit", action="store_true", help="The key has no limit.")
        parser.add_argument(
            "--tokens",
            action=BooleanOptionalAction,
            help="Whether the key can be exchanged for tokens.",
        )

    def run(self, options: Options) -> Document:
        """Change the key."""
        given = dict(_given(options))
        if not given:
            raise CommandError("Give at least one setting to change.")
        key = find_key(options["public_key"])
        with transaction.atomic(using=write_alias()):
            # The lock keeps what another process changes meanwhile.
            row = lock_key(key, wait=True)
            return responses.api_key(change_key(row, **_settings(row) | given, by=operator()))


def _given(options: Options) -> list[tuple[str, Any]]:
    """Return the settings that the operator gave, by their names in `change_key`."""
    if options["rate_limit"] == "":
        raise CommandError("The rate limit is empty. Use --no-rate-limit to remove the limit.")
    lifetime = options["expires_in_days"]
    settings = {
        "name": options["name"],
        "scopes": None if options["scope"] is None else filled(options["scope"]),
        "expires_at": clock.now() + lifetime if lifetime else None,
        # An empty text is an error: a script's unset variable must not open the key.
        "allowed_ips": [] if options["any_ip"] else options["allow_ip"],
        "rate_limit": "" if options["no_rate_limit"] else options["rate_limit"],
        "can_issue_tokens": options["tokens"],
    }
    given = [(name, value) for name, value in settings.items() if value is not None]
    return [*given, ("expires_at", None)] if options["no_expiry"] else given


def _settings(row: ApiKey) -> dict[str, Any]:
    return {
        "name": row.name,
        "scopes": row.scope_set,
        "expires_at": row.expires_at,
        "allowed_ips": row.allowed_networks,
        "can_issue_tokens": row.can_issue_tokens,
    }
