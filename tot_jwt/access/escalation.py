"""The rules against privilege escalation: what a token may do to keys, so that a stolen one reaches no further.

Each rule raises its own kind of EscalationRefused; where the exchange would refuse, InsufficientPermissions as there.
They look at rows that are locked: what they allow still holds when the change is written.
"""

from dataclasses import dataclass
from datetime import datetime

from tot_jwt.exceptions import (
    AddressesExceedCaller,
    ExpiryExceedsCaller,
    InsufficientPermissions,
    KeyCreationNotAllowed,
    KeyExceedsCaller,
    KeyNotYours,
    ScopesExceedCaller,
    SecretRequired,
)
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey
from tot_jwt.rules import networks
from tot_jwt.rules.credentials import PresentedSecret


@dataclass(frozen=True, slots=True)
class Caller:
    """A token's key, locked, and what the token may do with it at this moment."""

    key: ApiKey
    rights: frozenset[str]
    by: Actor

    def created(self, key: ApiKey) -> bool:
        """Whether the caller made that key."""
        return key.created_by_key_id == self.key.pk


def check_may_create(caller: Caller, *, can_issue_tokens: bool) -> None:
    """A key that was made through the API makes none: a stolen token reaches one generation.

    And one that may not be exchanged for tokens any more makes none that may.
    """
    if caller.key.created_by_key_id is not None:
        raise KeyCreationNotAllowed
    if can_issue_tokens and not caller.key.can_issue_tokens:
        raise InsufficientPermissions("may_not_issue_tokens")


def check_may_act_on(caller: Caller, key: ApiKey) -> None:
    """A key that was made through the API acts on itself alone, and nobody on a key that holds more than they do."""
    if caller.key.created_by_key_id is not None and key.pk != caller.key.pk:
        raise KeyCreationNotAllowed
    if not key.scope_set <= caller.rights:
        raise KeyExceedsCaller


def check_scopes(caller: Caller, scopes: frozenset[str]) -> None:
    """No scopes but the caller's own."""
    if not scopes <= caller.rights:
        raise ScopesExceedCaller


def check_expiry(caller: Caller, expires_at: datetime | None) -> None:
    """No life beyond the caller's."""
    if ends_later(expires_at, caller.key.expires_at):
        raise ExpiryExceedsCaller


def check_addresses(caller: Caller, allowed_ips: str) -> None:
    """No addresses from which the caller's own key does not work."""
    if not networks.are_within(allowed_ips, caller.key.allowed_ips):
        raise AddressesExceedCaller


def check_only_narrows(before: ApiKey, after: ApiKey) -> None:
    """Of a key that the caller did not make, nothing grows, and nothing comes back that was taken away."""
    if (
        after.name != before.name
        or not after.scope_set <= before.scope_set
        or ends_later(after.expires_at, before.expires_at)
        or not networks.are_within(after.allowed_ips, before.allowed_ips)
        or (before.disabled_at is not None and after.disabled_at is None)
    ):
        raise KeyNotYours


def check_secret(caller: Caller, key: ApiKey, secret: PresentedSecret | None) -> None:
    """A new secret goes to who made the key or knows its current secret, as a new password to who knows the old.

    To have made it is not enough where the key reaches further than its maker by now: for that, somebody has to have
    held it already.
    """
    if secret is not None and secret.matches(key.secret_hash):
        return
    if not caller.created(key) or _reaches_further(key, caller.key):
        raise SecretRequired


def _reaches_further(key: ApiKey, other: ApiKey) -> bool:
    """Whether the key is good for longer, from elsewhere, or for tokens, where the other is not."""
    return (
        ends_later(key.expires_at, other.expires_at)
        or not networks.are_within(key.allowed_ips, other.allowed_ips)
        or (key.can_issue_tokens and not other.can_issue_tokens)
    )


def ends_later(one: datetime | None, other: datetime | None) -> bool:
    """Whether the one expiry is after the other; None never expires."""
    return other is not None and (one is None or one > other)
