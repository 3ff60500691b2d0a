"""Subcommands that create, rotate and end API keys."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from tot_jwt.api import responses
from tot_jwt.exceptions import TotJWTError
from tot_jwt.keys import (
    create_key,
    disable_key,
    enable_key,
    end_previous_secret,
    end_tokens,
    release_key,
    revoke_key,
    rotate_key,
)
from tot_jwt.keys.lifecycle import DEFAULT_GRACE, MAX_GRACE
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    add_key_argument,
    days,
    filled,
    find_domain,
    find_key,
    find_keys,
    read_input,
    storable,
    whole_number,
)
from tot_jwt.management.subcommands.listing import key_table
from tot_jwt.models import ApiKey, Environment, KeyStatus
from tot_jwt.utils import clock

RATE_HELP = "Requests with the key and its tokens together, for example 600/min."


class CreateKey(Subcommand):
    """The subcommand ``create_key``."""

    name = "create_key"
    help = (
        "Create an API key and print its secret, which is never shown again. "
        "Without --scope the key has no scopes."
    )
    prints_always = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and the settings of the key."""
        parser.add_argument("domain", type=storable)
        parser.add_argument("--name", type=storable, required=True, help="Name of the key.")
        parser.add_argument(
            "--env",
            choices=Environment.values,
            default=Environment.LIVE.value,
            help="Environment of the key (default: %(default)s).",
        )
        add_scope_argument(parser)
        parser.add_argument(
            "--expires-in-days", type=days, metavar="DAYS", help="Days until the key expires."
        )
        parser.add_argument(
            "--allow-ip",
            type=storable,
            action="append",
            metavar="CIDR",
            help="Network from which the key works. May be repeated.",
        )
        parser.add_argument("--rate-limit", type=storable, metavar="RATE", help=RATE_HELP)
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
            scopes=options["scope"] or [],
            expires_at=clock.now() + lifetime if lifetime else None,
            # An empty text is an error: a script's unset variable must not open the key.
            allowed_ips=options["allow_ip"] or [],
            rate_limit=options["rate_limit"] or "",
            can_issue_tokens=not options["no_tokens"],
            by=operator(),
        )
        return responses.new_api_key(key, secret)


def add_scope_argument(parser: ArgumentParser) -> None:
    """Add the option that names a scope."""
    parser.add_argument(
        "--scope",
        type=storable,
        action="append",
        metavar="SCOPE",
        help="Scope of the key. May be repeated.",
    )


class RotateKey(Subcommand):
    """The subcommand ``rotate_key``."""

    name = "rotate_key"
    help = (
        "Give an API key a new secret and print the secret, which is never shown again. "
        "The previous secret keeps working for the grace period. "
        "A grace period of 0 ends all earlier secrets and all tokens at once, and revokes the keys "
        "that the key created."
    )
    prints_always = True

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
            by=operator(),
        )
        return responses.new_api_key(key, secret)


class RevokeKey(Subcommand):
    """The subcommand ``revoke_key``. It revokes no key if one of them does not exist."""

    name = "revoke_key"
    help = (
        "Revoke API keys permanently. Their tokens and the keys that they created end with them. "
        "If one of the keys does not exist, none is revoked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the keys."""
        parser.add_argument(
            "public_keys",
            metavar="PUBLIC_KEY",
            nargs="+",
            help="Use - to read public keys from standard input, one on each line.",
        )

    def run(self, options: Options) -> Document | list[Document]:
        """Revoke the keys. Return the one that was named, or a list."""
        named = options["public_keys"]
        keys = find_keys(_with_input(named))
        documents = [_revoked(key, options["tell"]) for key in keys]
        return documents[0] if len(named) == 1 and named != ["-"] else documents

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return all of a single key, or one line for each key."""
        if isinstance(result, list):
            return key_table(result, heading=heading)
        return super().as_text(result, heading=heading)

    def has_failed(self, result: Any) -> bool:
        """Return whether a key is not revoked."""
        documents = result if isinstance(result, list) else [result]
        return any(document["status"] != KeyStatus.REVOKED for document in documents)


def _with_input(named: Iterable[str]) -> Iterator[str]:
    """Yield the public keys, with those of standard input in place of a hyphen."""
    for public_key in named:
        if public_key == "-":
            typed = filled(line.strip() for line in read_input().split("\n"))
            if not typed:
                raise CommandError("Standard input has no public key. No key was revoked.")
            yield from typed
        else:
            yield public_key


def _revoked(key: ApiKey, tell: Callable[[str], None]) -> Document:
    """Revoke the key. Tell a failure, which must not keep the other keys alive."""
    try:
        return responses.api_key(revoke_key(key, by=operator()))
    except TotJWTError as error:
        tell(f"{key.public_key} was not revoked: {error.detail}")
        return responses.api_key(key)


class KeyAction(Subcommand):
    """A subcommand that does one thing to one key."""

    def __init__(self, name: str, act: Callable[..., ApiKey], help_text: str) -> None:
        self.name, self._act, self.help = name, act, help_text

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the key."""
        add_key_argument(parser)

    def run(self, options: Options) -> Document:
        """Act on the key."""
        return responses.api_key(self._act(find_key(options["public_key"]), by=operator()))


DISABLE_KEY = KeyAction(
    "disable_key",
    disable_key,
    "Disable an API key, its tokens and the keys that it created, until it is enabled again.",
)
ENABLE_KEY = KeyAction("enable_key", enable_key, "Let a disabled API key work again.")
RELEASE_KEY = KeyAction(
    "release_key",
    release_key,
    "Release an API key from the key that created it. It then stands alone, and works even if "
    "its creator is revoked.",
)
END_OLD_SECRET = KeyAction(
    "end_old_secret",
    end_previous_secret,
    "End the grace period of an API key's last rotation: only the newest secret works.",
)
END_TOKENS = KeyAction(
    "end_tokens",
    end_tokens,
    "End all tokens of an API key. Its secret and the keys that it created keep working.",
)
