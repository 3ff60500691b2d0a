"""The rules against privilege escalation: what a token may do to keys.

They keep a stolen token from gaining rights. Each rule raises its own EscalationRefused. A caller
that may not issue tokens gets InsufficientPermissions, as in the exchange. A created key lives
inside its creator, so no rule looks at what the creator lost since it created the key.
"""

from dataclasses import dataclass
from datetime import datetime

from tot_jwt.access.guesses import secret_matches
from tot_jwt.conf import settings
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
from tot_jwt.models import ApiKey, KeyEvent
from tot_jwt.rules import networks
from tot_jwt.rules.credentials import PresentedSecret
from tot_jwt.rules.expiry import earliest, ends_later
from tot_jwt.rules.rights import exceeds
from tot_jwt.utils import clock
from tot_jwt.utils.predicates import LONGEST_LIFETIME


@dataclass(frozen=True, slots=True)
class Caller:
    """The key of a token, and the scopes that the token has now."""

    key: ApiKey
    scopes: frozenset[str]
    by: Actor

    def created(self, key: ApiKey) -> bool:
        """Return whether the key lives inside the caller's."""
        return key.has_creator and key.created_by_key_id == self.key.pk

    def controls(self, key: ApiKey) -> bool:
        """Return whether the caller created the key, and no administrator has restricted it."""
        return self.created(key) and key.restricted_at is None

    @property
    def latest_expiry(self) -> datetime:
        """The latest expiry that the caller may give a key."""
        limit = clock.now() + min(settings.CREATED_KEY_MAX_LIFETIME, LONGEST_LIFETIME)
        return earliest(limit, self.key.expires_at) or limit


def only_takes_away(before: ApiKey, after: ApiKey) -> bool:
    """Return whether a change leaves the key's name and metadata, and gives it nothing."""
    is_same = after.name == before.name and after.metadata == before.metadata
    return is_same and not exceeds(after, before)


def check_may_create(caller: Caller, *, can_issue_tokens: bool) -> None:
    """Reject a caller that was itself created with a token.

    A stolen token can create keys, but those cannot.
    A key that can no longer be exchanged for tokens cannot create a key that can.
    """
    if caller.key.has_creator:
        raise KeyCreationNotAllowed
    if can_issue_tokens and not caller.key.can_issue_tokens:
        raise InsufficientPermissions("may_not_issue_tokens")


def check_may_act_on(caller: Caller, key: ApiKey, *, takes_away: bool = False) -> None:
    """Reject a created key that acts on another key, and a target with scopes the caller lacks.

    A creator may always narrow or revoke what it created: `takes_away` says that it does no more.
    """
    if caller.key.has_creator and key.pk != caller.key.pk:
        raise KeyCreationNotAllowed
    if not key.scope_set <= caller.scopes and not (takes_away and caller.created(key)):
        raise KeyExceedsCaller


def check_new_key(caller: Caller, after: ApiKey) -> None:
    """Reject rights of a new key that the caller does not have."""
    check_may_create(caller, can_issue_tokens=after.can_issue_tokens)
    _check_scopes(caller, after)
    _check_expiry(caller, after)
    _check_addresses(caller, after)


def check_change(caller: Caller, before: ApiKey, after: ApiKey) -> None:
    """Reject a change that gives the key what its caller may not give.

    A caller that does not control the key may only take away. What grows must be within the
    caller's own rights; the rest may exceed them, if an administrator set it.
    """
    takes_away = only_takes_away(before, after)
    check_may_act_on(caller, before, takes_away=takes_away)
    if not takes_away and not caller.controls(before):
        raise KeyNotYours
    if not after.scope_set <= before.scope_set:
        _check_scopes(caller, after)
    if ends_later(after.expires_at, before.expires_at):
        _check_expiry(caller, after)
    if not networks.are_within(after.allowed_ips, before.allowed_ips):
        _check_addresses(caller, after)


def check_secret(
    caller: Caller, key: ApiKey, secret: PresentedSecret | None, *, has_grace: bool
) -> None:
    """Reject a rotation, unless the caller sent the current secret or created the key.

    The older secret is enough if the answer to the caller's own rotation was lost, and the new
    rotation has a grace period. Raises SecretRequired; TooManyRequests if the secret may not be
    compared.
    """
    if secret is not None and _knows(secret, key, caller, has_grace=has_grace):
        return
    if not caller.created(key):
        raise SecretRequired


def _check_scopes(caller: Caller, after: ApiKey) -> None:
    if not after.scope_set <= caller.scopes:
        raise ScopesExceedCaller


def _check_expiry(caller: Caller, after: ApiKey) -> None:
    if ends_later(after.expires_at, caller.latest_expiry):
        raise ExpiryExceedsCaller


def _check_addresses(caller: Caller, after: ApiKey) -> None:
    if not networks.are_within(after.allowed_ips, caller.key.allowed_ips):
        raise AddressesExceedCaller


def _knows(secret: PresentedSecret, key: ApiKey, caller: Caller, *, has_grace: bool) -> bool:
    hashes = [key.secret_hash]
    if has_grace and _lost_answer(caller, key):
        hashes.append(key.previous_secret_hash)
    return any(
        secret_matches(secret, key.public_key, stored, address=caller.by.address)
        for stored in hashes
    )


def _lost_answer(caller: Caller, key: ApiKey) -> bool:
    """Return whether this token rotated the key last, and no client used the new secret yet.

    Another token with the older secret may be a thief's: it must not take the key over.
    """
    if key.secret_last_used_at is not None or not key.previous_secret_is_live:
        return False
    last = KeyEvent.objects.filter(key=key, action=KeyEvent.Action.ROTATED).first()
    return last is not None and caller.by.is_token and last.jti == caller.by.jti
