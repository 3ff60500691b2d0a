"""What tokens do to keys: the use cases of the keys endpoints.

Each looks at the rules before it locks any row, so that a refused token locks none, and again
under the lock. What only takes away waits for the lock. Whatever else would have to wait raises
Conflict. Each act counts for the calling key, a refused one too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Required, TypedDict

from django.db import transaction

from tot_jwt.access import escalation, limits
from tot_jwt.access.escalation import Caller
from tot_jwt.access.refusals import reject
from tot_jwt.access.sessions import KeySession, caller_of, find_key, own_key
from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    Conflict,
    EscalationRefused,
    InsufficientPermissions,
    LastActiveKey,
    SecretRequired,
    TooManyKeys,
)
from tot_jwt.keys import lifecycle
from tot_jwt.keys.locking import lock_domain, lock_key
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, ApiKeyQuerySet, write_alias
from tot_jwt.rules import expiry, scopes
from tot_jwt.rules.credentials import PresentedSecret, SecretKey
from tot_jwt.utils import clock


class KeyFields(TypedDict, total=False):
    """The fields of a key that a client sent. A field that is absent stays as it is."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    allowed_ips: str
    disabled: bool
    metadata: dict[str, str]


class NewKeyFields(TypedDict, total=False):
    """The fields of a new key. A field that is absent gets its default."""

    name: Required[str]
    scopes: Required[frozenset[str]]
    expires_at: datetime | None
    allowed_ips: str
    can_issue_tokens: bool
    metadata: dict[str, str]


def create_key(session: KeySession, fields: NewKeyFields) -> tuple[ApiKey, SecretKey]:
    """Create a key that lives inside its creator.

    Raises EscalationRefused, InsufficientPermissions, TooManyKeys, InvalidValue,
    TooManyRequests.
    """

    def check(caller: Caller) -> ApiKey:
        key = _new_key(caller, fields)
        escalation.check_new_key(caller, key)
        return key

    _check_first(session, check)
    with _locked(session, own_key(session), wait=True) as (caller, _):
        key = check(caller)
        _check_quota(caller.key)
        return lifecycle.create_key(
            caller.key.app_domain,
            name=key.name,
            environment=key.environment,
            scopes=key.scope_set,
            expires_at=key.expires_at,
            allowed_ips=key.allowed_networks,
            can_issue_tokens=key.can_issue_tokens,
            metadata=key.metadata,
            created_by_key=caller.key,
            by=caller.by,
        )


def change_key(session: KeySession, key: ApiKey, fields: KeyFields) -> ApiKey:
    """Change the key, and return it.

    Raises EscalationRefused, TooManyKeys, Conflict, InvalidValue, TooManyRequests.
    """
    after = _changed(key, fields)
    takes_away = escalation.only_takes_away(key, after)
    _check_first(
        session,
        lambda caller: escalation.check_change(caller, key, after),
        takes_away=takes_away,
    )
    if key.revoked_at is None and _is_same(key, after):
        return key
    with _locked(session, key, wait=takes_away) as (caller, row):
        after = _changed(row, fields)
        escalation.check_change(caller, row, after)
        if takes_away and not escalation.only_takes_away(row, after):
            raise Conflict  # another request has narrowed the key meanwhile
        if after.is_usable and not row.is_usable:
            _check_quota(row)
        _apply(row, after, fields, caller.by)
    return find_key(session.client, key.public_key)


def rotate_key(
    session: KeySession,
    key: ApiKey,
    *,
    secret: PresentedSecret | None,
    grace: timedelta,
    revoke_created_keys: bool | None,
) -> tuple[ApiKey, SecretKey]:
    """Rotate the key. Return it with its new secret; a wrong current secret counts as a failure.

    Raises EscalationRefused, Conflict, TooManyRequests.
    """

    def check(caller: Caller, row: ApiKey) -> None:
        escalation.check_may_act_on(caller, row)
        escalation.check_secret(caller, row, secret, has_grace=bool(grace))

    try:
        _check_first(session, lambda caller: check(caller, key), takes_away=not grace)
    except SecretRequired:
        if secret is not None:
            limits.count_failure(key.public_key, session.address, shown_key=key.public_key)
        raise
    with _locked(session, key, wait=not grace) as (caller, row):
        check(caller, row)
        if grace and row.secret_hash != key.secret_hash:
            raise Conflict  # another request has rotated the key meanwhile
        return lifecycle.rotate_key(
            row, grace=grace, revoke_created_keys=revoke_created_keys, by=caller.by
        )


def revoke_key(session: KeySession, key: ApiKey, *, force: bool) -> None:
    """Revoke the key, and with it the keys inside it.

    Raises EscalationRefused, LastActiveKey; never TooManyRequests, because revoking is the remedy
    for a stolen key.
    """

    def check(caller: Caller, row: ApiKey) -> None:
        escalation.check_may_act_on(caller, row, takes_away=True)

    _check_first(session, lambda caller: check(caller, key), takes_away=True)
    if key.revoked_at is not None:
        return
    with _locked(session, key, wait=True) as (caller, row):
        check(caller, row)
        lock_domain(row)
        if not force and row.is_usable and not _active_keys(row, without=row).exists():
            raise LastActiveKey
        lifecycle.revoke_key(row, by=caller.by)


def _check_first(
    session: KeySession, check: Callable[[Caller], object], *, takes_away: bool = False
) -> None:
    """Look at the rules without a lock, and count the act: for the calling key, refused or not.

    Raises what the check raises; TooManyRequests, unless the act only takes away.
    """
    client, address = session.client, session.address
    try:
        check(caller_of(session))
    except (EscalationRefused, InsufficientPermissions) as refusal:
        limits.count_key_change(client, address, may_refuse=False)
        reject(refusal, client, jti=session.token["jti"], address=address)
        raise
    limits.count_key_change(client, address, may_refuse=not takes_away)


@contextmanager
def _locked(session: KeySession, key: ApiKey, *, wait: bool) -> Iterator[tuple[Caller, ApiKey]]:
    """Yield the caller as it is now, and the locked row of the key. Raises Conflict."""
    with transaction.atomic(using=write_alias()):
        # The first statement: a query before it could fix a snapshot from before the wait.
        row = lock_key(key, wait=wait)
        yield caller_of(session), row


def _new_key(caller: Caller, fields: NewKeyFields) -> ApiKey:
    """Return the unsaved key with these fields, or the caller's bounds where they are absent."""
    return ApiKey(
        name=fields["name"],
        environment=caller.key.environment,
        scopes=scopes.join(fields["scopes"]),
        expires_at=fields.get("expires_at", caller.latest_expiry),
        allowed_ips=fields.get("allowed_ips", caller.key.allowed_ips),
        can_issue_tokens=fields.get("can_issue_tokens", True),
        metadata=fields.get("metadata", {}),
    )


def _changed(row: ApiKey, fields: KeyFields) -> ApiKey:
    """Return a copy of the row with these fields."""
    after = copy(row)
    after.name = fields.get("name", row.name)
    if "scopes" in fields:
        after.scopes = scopes.join(fields["scopes"])
    if "expires_at" in fields and not expiry.same_second(fields["expires_at"], row.expires_at):
        after.expires_at = fields["expires_at"]
    after.allowed_ips = fields.get("allowed_ips", row.allowed_ips)
    after.metadata = fields.get("metadata", row.metadata)
    if "disabled" in fields:
        after.disabled_at = (row.disabled_at or clock.now()) if fields["disabled"] else None
    return after


def _is_same(before: ApiKey, after: ApiKey) -> bool:
    names = [field.attname for field in ApiKey._meta.concrete_fields]
    return all(getattr(before, name) == getattr(after, name) for name in names)


def _apply(row: ApiKey, after: ApiKey, fields: KeyFields, by: Actor) -> None:
    lifecycle.change_key(
        row,
        name=after.name,
        scopes=after.scope_set,
        expires_at=after.expires_at,
        allowed_ips=after.allowed_networks,
        can_issue_tokens=after.can_issue_tokens,
        metadata=after.metadata,
        by=by,
    )
    if "disabled" in fields:
        (lifecycle.disable_key if fields["disabled"] else lifecycle.enable_key)(row, by=by)


def _check_quota(key: ApiKey) -> None:
    """Raise TooManyKeys if the key's domain may have no further active key."""
    lock_domain(key)
    if _active_keys(key).count() >= settings.MAX_ACTIVE_KEYS_PER_DOMAIN:
        raise TooManyKeys


def _active_keys(key: ApiKey, *, without: ApiKey | None = None) -> ApiKeyQuerySet:
    """Return the usable keys of the key's domain, without one key and the keys inside it."""
    keys = ApiKey.objects.usable().filter(
        app_domain_id=key.app_domain_id, environment=key.environment
    )
    if without is None:
        return keys
    return keys.exclude(pk=without.pk).exclude(created_by_key=without, released_at=None)
