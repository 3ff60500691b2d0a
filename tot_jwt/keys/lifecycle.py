"""The life of a key, from creation to revocation.

Elsewhere only imports write keys, and `tot_jwt.keys.usage` their times of use.

Each action is one transaction: it locks the row, changes it if needed, and writes a KeyEvent.
A second revocation keeps the time of the first and records nothing; disabling works alike.
An action waits if another transaction holds the row, so that an attacker who keeps the row busy
cannot keep the key alive. Only a rotation with a grace period and `enable_key` raise Conflict
instead: of two at once, one wins.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import (
    InvalidValue,
    KeyCreationNotAllowed,
    KeyIsRevoked,
    PreviousSecretStillValid,
)
from tot_jwt.keys.locking import lock_key, lock_keys
from tot_jwt.keys.record import SYSTEM, Actor, differences, record
from tot_jwt.models import ApiKey, AppDomain, Environment, KeyEvent, write_alias
from tot_jwt.rules import expiry, networks
from tot_jwt.rules import scopes as scope_rules
from tot_jwt.rules.credentials import SecretKey, generate_public_key, generate_secret
from tot_jwt.rules.hashes import hash_secret
from tot_jwt.rules.rights import exceeds
from tot_jwt.utils import clock

Action = KeyEvent.Action

#: How long the previous secret works after a rotation: by default, and at most.
DEFAULT_GRACE = timedelta(days=1)
MAX_GRACE = timedelta(days=7)

# The key holds these rows already. Validating them would query the database that the host reads
# from, which may be a replica.
_RELATED = ("app_domain", "created_by", "created_by_key")


def create_key(
    app_domain: AppDomain,
    *,
    name: str,
    environment: str = Environment.LIVE,
    scopes: Iterable[str] = (),
    expires_at: datetime | None = None,
    allowed_ips: Iterable[str] = (),
    can_issue_tokens: bool = True,
    rate_limit: str = "",
    metadata: Mapping[str, str] | None = None,
    public_key: str | None = None,
    created_by: Any = None,
    created_by_key: ApiKey | None = None,
    by: Actor = SYSTEM,
) -> tuple[ApiKey, SecretKey]:
    """Create a key. Return it with its secret, of which only the hash is stored.

    `created_by_key` is the key inside which the new key lives: one that stands alone.
    Raises InvalidValue for scopes, addresses or an expiry; ValidationError for any other field,
    also if the public key already exists; KeyCreationNotAllowed.
    """
    if created_by_key is not None and created_by_key.has_creator:
        raise KeyCreationNotAllowed
    secret = generate_secret(Environment(environment))
    key = ApiKey(
        app_domain=app_domain,
        public_key=public_key or generate_public_key(Environment(environment)),
        environment=environment,
        name=name,
        scopes=scope_rules.join(scope_rules.validate(scopes)),
        expires_at=expiry.validate(expires_at),
        allowed_ips=networks.validate(allowed_ips),
        can_issue_tokens=can_issue_tokens,
        rate_limit=rate_limit,
        metadata=dict(metadata or {}),
        created_by=cast(Any, created_by or by.user),
        created_by_key=created_by_key,
    )
    _set_secret(key, secret)
    key.full_clean(exclude=_RELATED)
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
    rate_limit: str | None = None,
    metadata: Mapping[str, str] | None = None,
    by: Actor = SYSTEM,
) -> ApiKey:
    """Change the key's settings. It may keep scopes that SCOPES no longer lists.

    A rate limit or metadata of None stays as it is.
    Raises InvalidValue, ValidationError, Conflict.
    """
    with _changing(key, Action.CHANGED, by) as row:
        # A name that stays as it is may be from a time with other rules.
        unchanged = ["name"] if row.name == name else []
        row.name = name
        row.scopes = scope_rules.join(scope_rules.validate(scopes, known=row.scope_set))
        if expires_at != row.expires_at:
            row.expires_at = expiry.validate(expires_at)
        row.allowed_ips = networks.validate(allowed_ips)
        row.can_issue_tokens = can_issue_tokens
        row.rate_limit = row.rate_limit if rate_limit is None else rate_limit
        row.metadata = row.metadata if metadata is None else dict(metadata)
        row.full_clean(exclude=[*_RELATED, *unchanged])
    return row


def rotate_key(
    key: ApiKey,
    *,
    grace: timedelta = DEFAULT_GRACE,
    revoke_created_keys: bool | None = None,
    by: Actor = SYSTEM,
) -> tuple[ApiKey, SecretKey]:
    """Give the key a new secret. The current one works until the grace period or the key ends.

    If the current secret was never used, its answer was probably lost: within the grace period of
    an earlier secret the new one replaces it, and the earlier one keeps its grace period.
    A grace period of 0 ends all earlier secrets and all tokens at once and, unless
    `revoke_created_keys` is False, revokes the keys that live inside the key.
    Raises InvalidValue, PreviousSecretStillValid, Conflict.
    """
    if not timedelta(0) <= grace <= MAX_GRACE:
        raise InvalidValue(_("The grace period must be between 0 seconds and 7 days."))
    with _changing(key, Action.ROTATED, by, wait=not grace) as row:
        if grace:
            _keep_current_secret(row, grace)
        else:
            _end_previous_secret(row)
            row.generation += 1
        secret = generate_secret(Environment(row.environment))
        _set_secret(row, secret)
        if not grace if revoke_created_keys is None else revoke_created_keys:
            # All locks come before the first event, which locks the domain.
            for created in lock_keys(ApiKey.objects.created_with([row])):
                revoke_key(created, by=by)
    return row, secret


def end_previous_secret(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End the grace period of the last rotation now. Raises Conflict."""
    with _changing(key, Action.PREVIOUS_SECRET_ENDED, by) as row:
        _end_previous_secret(row)
    return row


def end_tokens(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End all tokens of the key, but not those of the keys it created. Its secrets stay.

    Raises Conflict.
    """
    with _changing(key, Action.TOKENS_ENDED, by) as row:
        row.generation += 1
    return row


def disable_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """Disable the key, its tokens and the keys inside it until it is enabled again.

    Raises Conflict.
    """
    with _changing(key, Action.DISABLED, by) as row:
        row.disabled_at = row.disabled_at or clock.now()
        _restrict(row, by)
    return row


def enable_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """Let a disabled key and its tokens work again. Raises Conflict."""
    with _changing(key, Action.ENABLED, by, wait=False) as row:
        row.disabled_at = None
    return row


def release_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """Let a created key stand alone, as if an administrator had created it. Raises Conflict."""
    with _changing(key, Action.RELEASED, by) as row:
        if row.has_creator:
            row.released_at = clock.now()
    return row


def revoke_key(key: ApiKey, *, by: Actor = SYSTEM) -> ApiKey:
    """End the key, its tokens and the keys inside it permanently. Raises Conflict."""
    with _changing(key, Action.REVOKED, by, even_revoked=True) as row:
        row.revoked_at = row.revoked_at or clock.now()
    return row


@contextmanager
def _changing(
    key: ApiKey, action: Action, by: Actor, *, wait: bool = True, even_revoked: bool = False
) -> Iterator[ApiKey]:
    """Yield the locked row. Save and record it afterwards if the body changed it."""
    with transaction.atomic(using=write_alias()):
        row = lock_key(key, wait=wait)
        if row.revoked_at is not None and not even_revoked:
            raise KeyIsRevoked
        before = copy(row)
        yield row
        if exceeds(before, row):
            _restrict(row, by)
        names = [field.attname for field in row._meta.concrete_fields]
        changed = [name for name in names if getattr(row, name) != getattr(before, name)]
        if changed:
            row.save(update_fields=changed)
            record(action, row.app_domain, row, by, differences(before, row))


def _restrict(row: ApiKey, by: Actor) -> None:
    """Keep the creator from giving back what an administrator takes away."""
    if row.has_creator and not by.is_token:
        row.restricted_at = row.restricted_at or clock.now()


@sensitive_variables()
def _set_secret(row: ApiKey, secret: SecretKey) -> None:
    row.secret_hash = hash_secret(secret.reveal())
    row.secret_last_used_at = None
    row.secret_hint = secret.hint


def _keep_current_secret(row: ApiKey, grace: timedelta) -> None:
    if row.previous_secret_is_live and row.secret_last_used_at is None:
        return
    if row.previous_secret_is_live:
        raise PreviousSecretStillValid
    row.previous_secret_hash = row.secret_hash
    row.previous_secret_expires_at = expiry.earliest(clock.now() + grace, row.expires_at)
    row.previous_secret_last_used_at = None


def _end_previous_secret(row: ApiKey) -> None:
    row.previous_secret_hash = ""
    row.previous_secret_expires_at = None
    row.previous_secret_last_used_at = None
