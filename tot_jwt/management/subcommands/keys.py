"""Subcommands for domains and their keys."""

from argparse import ArgumentParser
from datetime import timedelta

from django.db import transaction

from tot_jwt.api import responses as serializers
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import create_domain
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key,
    days,
    find_domain,
    find_key,
    whole_number,
)
from tot_jwt.models import ApiKey, Environment, write_alias
from tot_jwt.utils import clock


class CreateDomain(Subcommand):
    name = "create_domain"
    help = "Create a domain, which its keys belong to."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("--name", default="", help="What people call the application.")

    @staticmethod
    def run(options: Options) -> Document:
        return serializers.app_domain(create_domain(options["domain"], name=options["name"]))


class CreateKey(Subcommand):
    name = "create_key"
    help = "Create a key and print its secret, this once. Without --scope the key has no scopes."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("--name", required=True, help="What people call the key.")
        parser.add_argument("--env", choices=Environment.values, default=Environment.LIVE.value)
        parser.add_argument(
            "--scope", action="append", default=[], metavar="SCOPE", help="May be repeated."
        )
        parser.add_argument("--expires-in-days", type=days, metavar="DAYS")
        parser.add_argument(
            "--allow-ip", action="append", default=[], metavar="CIDR", help="May be repeated."
        )
        parser.add_argument(
            "--no-tokens", action="store_true", help="Only for direct use: no exchange for tokens."
        )

    @staticmethod
    def run(options: Options) -> Document:
        lifetime = options["expires_in_days"]
        key, secret = lifecycle.create_key(
            find_domain(options["domain"]),
            name=options["name"],
            environment=options["env"],
            scopes=options["scope"],
            expires_at=clock.now() + lifetime if lifetime else None,
            allowed_ips=options["allow_ip"],
            can_issue_tokens=not options["no_tokens"],
        )
        return serializers.new_api_key(key, secret)


class ListKeys(Subcommand):
    name = "list_keys"
    help = "List the keys, newest first, of one domain or of all."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("domain", nargs="?")

    @staticmethod
    def run(options: Options) -> list[Document]:
        keys = ApiKey.objects.select_related("app_domain", "created_by_key")
        if options["domain"]:
            keys = keys.filter(app_domain=find_domain(options["domain"]))
        return [serializers.api_key(key) for key in keys.iterator()]


class RotateKey(Subcommand):
    name = "rotate_key"
    help = (
        "Give a key a new secret and print it, this once. The old one works on for the grace; without any, all old "
        "secrets and all tokens end at once."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        longest = int(lifecycle.MAX_GRACE.total_seconds())
        add_key(parser)
        parser.add_argument(
            "--grace-seconds",
            type=whole_number(0, longest),
            default=86_400,
            metavar="N",
            help=f"0 to {longest}; a day where it is not given.",
        )
        parser.add_argument(
            "--cascade", action="store_true", help="Revoke the keys that it created, and theirs."
        )

    @staticmethod
    def run(options: Options) -> Document:
        key = find_key(options["public_key"])
        with transaction.atomic(using=write_alias()):
            rotated, secret = lifecycle.rotate_key(
                key, grace=timedelta(seconds=options["grace_seconds"])
            )
            if options["cascade"]:
                lifecycle.revoke_created_keys(key)
        return serializers.new_api_key(rotated, secret)


class RevokeKey(Subcommand):
    name = "revoke_key"
    help = "End a key and its tokens, for ever."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        add_key(parser)
        parser.add_argument(
            "--cascade", action="store_true", help="Also the keys that it created, and theirs."
        )

    @staticmethod
    def run(options: Options) -> Document:
        return serializers.api_key(
            lifecycle.revoke_key(find_key(options["public_key"]), cascade=options["cascade"])
        )


class EndTokens(Subcommand):
    name = "end_tokens"
    help = "End all tokens of a key; its secrets stay."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        add_key(parser)

    @staticmethod
    def run(options: Options) -> Document:
        return serializers.api_key(lifecycle.end_tokens(find_key(options["public_key"])))
