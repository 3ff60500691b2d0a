"""Everything that happens to keys and domains, from creation to revocation. Nothing else changes their rows.

Each act is one transaction: it locks the row, changes it if there is anything to change, and writes a KeyEvent.
Acts may be repeated: a second revocation keeps the time of the first and records nothing. Where somebody else holds
the row, an act does not wait; it raises Conflict. Only what ends rights waits its turn, so that a thief who keeps the
row busy cannot keep the key alive.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue, KeyIsRevoked, PreviousSecretStillValid
from tot_jwt.keys.locking import lock_key
from tot_jwt.keys.record import SYSTEM, Actor, differences, record
from tot_jwt.models import ApiKey, AppDomain, Environment, KeyEvent, write_alias
from tot_jwt.rules import networks
from tot_jwt.rules import scopes as scope_rules
from tot_jwt.rules.credentials import SecretKey, generate_public_key, generate_secret, hash_secret
from tot_jwt.utils import clock

Action = KeyEvent.Action


#: How long a previous secret works at the most.
MAX_GRACE = timedelta(days=7)


#: Rows that we hold already. Django would look them up where the host reads, on a replica perhaps.
_PARENTS = ("app_domain", "created_by", "created_by_key")


def create_key(
    app_domain: AppDomain,
    *,
    name: str,
    environment: str = Environment.LIVE,
    scopes: Iterable[str] = (),
    expires_at: datetime | None = None,
    allowed_ips: Iterable[str] = (),
    can_issue_tokens: bool = True,
    public_key: str | None = None,
    created_by: Any = None,
    created_by_key: ApiKey | None = None,
    by: Actor = SYSTEM,
) -> tuple[ApiKey, SecretKey]:
    """A new key and its secret, of which only the hash is kept.

    Raises InvalidValue for scopes, addresses or an expiry that cannot be; ValidationError for any other field, also
    where the public key exists.
    """
    secret = generate_secret(Environment(environment))
    key = ApiKey(
        app_domain=app_domain,
        public_key=public_key or generate_public_key(Environment(environment)),
        environment=environment,
        name=name,
        scopes=scope_rules.join(scope_rules.validate(scopes)),
        expires_at=valid_expiry(expires_at),
        allowed_ips=networks.validate(allowed_ips),
        can_issue_tokens=can_issue_tokens,
        secret_hash=hash_secret(secret.reveal()),
        secret_hint=secret.hint,
        created_by=cast(Any, created_by or by.user),
        created_by_key=created_by_key,
    )
    key.full_clean(exclude=_PARENTS)
    with transaction.atomic(using=write_alias()):
        key.save(force_insert=True)
        record(Action.CREATED, app_domain, key, by, differences(None, key))
    return key, secret


def change_key(
    key: ApiKey,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    allowed_ips: Iterable[str],
    can_issue_tokens: bool,
    by: Actor = SYSTEM,
) -> ApiKey:
    """Give the key these settings. Scopes that it has may stay although the catalogue has lost them.

    What it created never outlives it: an earlier expiry is its children's too.
    Raises InvalidValue, ValidationError, Conflict.
    """
    with _changing(key, Action.CHANGED, by) as row:
        row.name = name
        row.scopes = scope_rules.join(scope_rules.validate(scopes, known=row.scope_set))
        row.expires_at = expires_at if expires_at == row.expires_at else valid_expiry(expires_at)
        row.allowed_ips = networks.validate(allowed_ips)
        row.can_issue_tokens = can_issue_tokens
        row.full_clean(exclude=_PARENTS)
        if row.expires_at is not None:
            for child in _children(row).exclude(expires_at__lte=row.expires_at):
                shorten_key(child, row.expires_at, by=by)
    return row


def shorten_key(key: ApiKey, expires_at: datetime, *, by: Actor = SYSTEM) -> ApiKey:
    """Have the key end at that moment, its previous secret too. Raises Conflict."""
    with _changing(key, Action.CHANGED, by) as row:
        row.expires_at = expires_at
    return row


def rotate_key(key: ApiKey, *, grace: timedelta, by: Actor = SYSTEM) -> tuple[ApiKey, SecretKey]:
    """A new secret; the one before works on for the grace, at most until the key expires.

    No grace ends all earlier secrets and all tokens at once. Raises InvalidValue, PreviousSecretStillValid, Conflict.
    """
    if not timedelta(0) <= grace <= MAX_GRACE:
        raise InvalidValue(_("The grace period must be between nothing and seven days."))
    with _changing(key, Action.ROTATED, by) as row:
        secret = generate_secret(Environment(row.environment))
        if grace:
            if row.previous_secret_is_live:
                raise PreviousSecretStillValid
            ends = clock.now() + grace
            row.previous_secret_hash = row.secret_hash
            row.previous_secret_expires_at = min(ends, row.expires_at or ends)
            row.previous_secret_last_used_at = None
        else:
            _end_previous_secret(row)
            row.generation += 1
        row.secret_hash = hash_secret(secret.reveal())
        row.secret_hint = secret.hint
    return row, secret


def end_previous_secret(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End the grace of a rotation now. Raises Conflict."""
    with _changing(key, Action.PREVIOUS_SECRET_ENDED, by, wait=True) as row:
        _end_previous_secret(row)
    return row


def end_tokens(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End all tokens of the key; its secrets stay. Raises Conflict."""
    with _changing(key, Action.TOKENS_ENDED, by, wait=True) as row:
        row.generation += 1
    return row


def disable_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End the key's rights until it is enabled again. Raises Conflict."""
    with _changing(key, Action.DISABLED, by, wait=True) as row:
        row.disabled_at = row.disabled_at or clock.now()
    return row


def enable_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """Give a disabled key its rights back. Raises Conflict."""
    with _changing(key, Action.ENABLED, by) as row:
        row.disabled_at = None
    return row


def revoke_key(key: ApiKey, *, cascade: bool = False, by: Actor = SYSTEM) -> ApiKey:
    """End the key and its tokens for ever, and with `cascade` those of all that it created. Raises Conflict."""
    with _changing(key, Action.REVOKED, by, wait=True, even_revoked=True) as row:
        row.revoked_at = row.revoked_at or clock.now()
        if cascade:
            revoke_created_keys(row, by=by)
    return row


def revoke_created_keys(key: ApiKey, *, by: Actor = SYSTEM) -> list[ApiKey]:
    """Revoke the keys that this key created, and theirs; which they were."""
    return [revoke_key(child, cascade=True, by=by) for child in _children(key)]


def valid_expiry(expires_at: datetime | None) -> datetime | None:
    """The expiry, if a key may be given it. Raises InvalidValue."""
    if expires_at is not None and expires_at <= clock.now():
        raise InvalidValue(_("The expiry must be in the future."))
    if expires_at is not None and expires_at.replace(tzinfo=None) >= clock.END_OF_CALENDAR:
        raise InvalidValue(_("The expiry must be before the last days of the year 9999."))
    return expires_at


@contextmanager
def _changing(
    key: ApiKey, action: Action, by: Actor, *, wait: bool = False, even_revoked: bool = False
) -> Iterator[ApiKey]:
    """The locked row, saved and recorded afterwards if the body changed it."""
    with transaction.atomic(using=write_alias()):
        row = lock_key(key, wait=wait)
        if row.revoked_at is not None and not even_revoked:
            raise KeyIsRevoked
        before = copy(row)
        yield row
        changed = [
            f.attname
            for f in row._meta.concrete_fields
            if getattr(row, f.attname) != getattr(before, f.attname)
        ]
        if changed:
            row.save(update_fields=changed)
            record(action, row.app_domain, row, by, differences(before, row))


def _children(key: ApiKey) -> Any:
    return ApiKey.objects.filter(created_by_key=key, revoked_at=None)


def _end_previous_secret(row: ApiKey) -> None:
    row.previous_secret_hash = ""
    row.previous_secret_expires_at = None
    row.previous_secret_last_used_at = None
