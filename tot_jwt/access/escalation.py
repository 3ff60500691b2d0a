"""The rules against privilege escalation: what a token may do to keys.

They keep a stolen token from gaining rights. Each rule raises its own EscalationRefused. A caller
that may not issue tokens gets InsufficientPermissions, as in the exchange. The rows that the rules
check are locked, so what they allow still holds when the change is written.
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
from tot_jwt.rules.expiry import ends_later


@dataclass(frozen=True, slots=True)
class Caller:
    """The locked key of a token, and the scopes that the token has now."""

    key: ApiKey
    scopes: frozenset[str]
    by: Actor

    def created(self, key: ApiKey) -> bool:
        """Return whether the caller created the key."""
        return key.created_by_key_id == self.key.pk


def check_may_create(caller: Caller, *, can_issue_tokens: bool) -> None:
    """Reject a caller that was itself created with a token.

    A stolen token can create keys, but those cannot.
    A key that can no longer be exchanged for tokens cannot create a key that can.
    """
    if caller.key.created_by_key_id is not None:
        raise KeyCreationNotAllowed
    if can_issue_tokens and not caller.key.can_issue_tokens:
        raise InsufficientPermissions("may_not_issue_tokens")


def check_may_act_on(caller: Caller, key: ApiKey) -> None:
    """Reject a created key that acts on another key, and a target with scopes the caller lacks."""
    if caller.key.created_by_key_id is not None and key.pk != caller.key.pk:
        raise KeyCreationNotAllowed
    if not key.scope_set <= caller.scopes:
        raise KeyExceedsCaller


def check_scopes(caller: Caller, scopes: frozenset[str]) -> None:
    """Reject scopes that the caller does not have."""
    if not scopes <= caller.scopes:
        raise ScopesExceedCaller


def check_expiry(caller: Caller, expires_at: datetime | None) -> None:
    """Reject an expiry later than the caller's."""
    if ends_later(expires_at, caller.key.expires_at):
        raise ExpiryExceedsCaller


def check_addresses(caller: Caller, allowed_ips: str) -> None:
    """Reject addresses from which the caller's key does not work."""
    if not networks.are_within(allowed_ips, caller.key.allowed_ips):
        raise AddressesExceedCaller


def check_only_narrows(before: ApiKey, after: ApiKey) -> None:
    """Reject more than narrowing a key: the rule for keys that the caller did not create."""
    if (
        after.name != before.name
        or not after.scope_set <= before.scope_set
        or ends_later(after.expires_at, before.expires_at)
        or not networks.are_within(after.allowed_ips, before.allowed_ips)
        or (before.disabled_at is not None and after.disabled_at is None)
    ):
        raise KeyNotYours


def check_secret(caller: Caller, key: ApiKey, secret: PresentedSecret | None) -> None:
    """Reject a rotation, unless the caller sent the current secret or created the key.

    The creator also needs the secret if the key now exceeds its own: the caller must not gain
    what it could not create.
    """
    if secret is not None and secret.matches(key.secret_hash):
        return
    if not caller.created(key) or _exceeds(key, caller.key):
        raise SecretRequired


def _exceeds(key: ApiKey, other: ApiKey) -> bool:
    """Return whether the key expires later, allows more addresses, or issues tokens only itself."""
    return (
        ends_later(key.expires_at, other.expires_at)
        or not networks.are_within(key.allowed_ips, other.allowed_ips)
        or (key.can_issue_tokens and not other.can_issue_tokens)
    )
