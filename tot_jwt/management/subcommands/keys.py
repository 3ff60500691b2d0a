"""Subcommands for API keys."""

from argparse import ArgumentParser
from datetime import timedelta

from tot_jwt.api import responses
from tot_jwt.keys import create_key, end_tokens, release_key, revoke_key, rotate_key
from tot_jwt.keys.lifecycle import DEFAULT_GRACE, MAX_GRACE
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key_argument,
    days,
    find_domain,
    find_key,
    whole_number,
)
from tot_jwt.models import ApiKey, Environment
from tot_jwt.utils import clock


class CreateKey(Subcommand):
    """The subcommand ``create_key``."""

    name = "create_key"
    help = (
        "Create an API key and print its secret, which is never shown again. "
        "Without --scope the key has no scopes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and the settings of the key."""
        parser.add_argument("domain")
        parser.add_argument("--name", required=True, help="Name of the key.")
        parser.add_argument(
            "--env",
            choices=Environment.values,
            default=Environment.LIVE.value,
            help="Environment of the key (default: %(default)s).",
        )
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            metavar="SCOPE",
            help="Scope of the key. May be repeated.",
        )
        parser.add_argument(
            "--expires-in-days", type=days, metavar="DAYS", help="Days until the key expires."
        )
        parser.add_argument(
            "--allow-ip",
            action="append",
            default=[],
            metavar="CIDR",
            help="Network from which the key works. May be repeated.",
        )
        parser.add_argument(
            "--no-tokens",
            action="store_true",
            help="The key authenticates requests directly but cannot be exchanged for tokens.",
        )

    def run(self, options: Options) -> Document:
        """Create the key."""
        lifetime = options["expires_in_days"]
        key, secret = create_key(
            find_domain(options["domain"]),
            name=options["name"],
            environment=options["env"],
            scopes=options["scope"],
            expires_at=clock.now() + lifetime if lifetime else None,
            allowed_ips=options["allow_ip"],
            can_issue_tokens=not options["no_tokens"],
        )
        return responses.new_api_key(key, secret)


class ListKeys(Subcommand):
    """The subcommand ``list_keys``."""

    name = "list_keys"
    help = "List the API keys of one domain, or of all domains, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain."""
        parser.add_argument("domain", nargs="?")

    def run(self, options: Options) -> list[Document]:
        """Return the keys, without their secrets."""
        keys = ApiKey.objects.with_related()
        if options["domain"]:
            keys = keys.filter(app_domain=find_domain(options["domain"]))
        return [responses.api_key(key) for key in keys.iterator()]


class RotateKey(Subcommand):
    """The subcommand ``rotate_key``."""

    name = "rotate_key"
    help = (
        "Give an API key a new secret and print the secret, which is never shown again. "
        "The previous secret keeps working for the grace period. "
        "A grace period of 0 ends all earlier secrets and all tokens at once, and revokes the keys "
        "that the key created."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key, the grace period and ``--keep-created-keys``."""
        default, longest = (int(grace.total_seconds()) for grace in (DEFAULT_GRACE, MAX_GRACE))
        add_key_argument(parser)
        parser.add_argument(
            "--grace-seconds",
            type=whole_number(0, longest),
            default=default,
            metavar="N",
            help=f"Grace period in seconds, from 0 to {longest} (default: {default}).",
        )
        parser.add_argument(
            "--keep-created-keys",
            action="store_true",
            help="Keep the keys that this key created. Otherwise a grace period of 0 revokes them.",
        )

    def run(self, options: Options) -> Document:
        """Rotate the key."""
        key, secret = rotate_key(
            find_key(options["public_key"]),
            grace=timedelta(seconds=options["grace_seconds"]),
            revoke_created_keys=False if options["keep_created_keys"] else None,
        )
        return responses.new_api_key(key, secret)


class RevokeKey(Subcommand):
    """The subcommand ``revoke_key``."""

    name = "revoke_key"
    help = "Revoke an API key permanently. Its tokens and the keys that it created end with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key."""
        add_key_argument(parser)

    def run(self, options: Options) -> Document:
        """Revoke the key."""
        return responses.api_key(revoke_key(find_key(options["public_key"])))


class ReleaseKey(Subcommand):
    """The subcommand ``release_key``."""

    name = "release_key"
    help = (
        "Release an API key from the key that created it. It then stands alone, and works even if "
        "its creator is revoked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key."""
        add_key_argument(parser)

    def run(self, options: Options) -> Document:
        """Release the key."""
        return responses.api_key(release_key(find_key(options["public_key"])))


class EndTokens(Subcommand):
    """The subcommand ``end_tokens``."""

    name = "end_tokens"
    help = "End all tokens of an API key. Its secret and the keys that it created keep working."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key."""
        add_key_argument(parser)

    def run(self, options: Options) -> Document:
        """End the tokens."""
        return responses.api_key(end_tokens(find_key(options["public_key"])))
