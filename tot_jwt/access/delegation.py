"""What tokens do to keys: the use cases behind the keys endpoints.

Each holds the caller's row locked from the checks to the commit, so that narrowing or revoking the caller meanwhile
either comes first and counts, or waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from tot_jwt.access import escalation, limits
from tot_jwt.access.decisions import check_token
from tot_jwt.access.escalation import Caller
from tot_jwt.conf import settings
from tot_jwt.exceptions import (
    InsufficientPermissions,
    LastActiveKey,
    ResourceNotFound,
    SecretRequired,
    TooManyKeys,
)
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.locking import lock_key
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, ApiKeyQuerySet, AppDomain, write_alias
from tot_jwt.principal import ApiClient
from tot_jwt.rules import networks, scopes
from tot_jwt.rules.credentials import PresentedSecret, SecretKey
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils import clock

#: How long a key lives that a token makes without saying so, where the token's own key has no end.
DEFAULT_LIFE = timedelta(days=90)


class _Unchanged:
    """Stands for a member that was not sent, where None means something."""


UNCHANGED: Final = _Unchanged()


@dataclass(frozen=True, slots=True)
class Session:
    """A verified token with `keys:manage`, and the address that it came from."""

    client: ApiClient
    token: ApiToken
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a client wants a key to be."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | _Unchanged | None = UNCHANGED
    allowed_ips: str | _Unchanged = UNCHANGED
    can_issue_tokens: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What a client wants to be different about a key."""

    name: str | _Unchanged = UNCHANGED
    scopes: frozenset[str] | _Unchanged = UNCHANGED
    expires_at: datetime | _Unchanged | None = UNCHANGED
    allowed_ips: str | _Unchanged = UNCHANGED
    disabled: bool | _Unchanged = UNCHANGED


def visible_keys(client: ApiClient) -> ApiKeyQuerySet:
    """The keys of the client's own domain and environment, newest first."""
    return ApiKey.objects.select_related("app_domain", "created_by_key").filter(
        app_domain__domain=client.app_domain, environment=client.environment
    )


def find_key(client: ApiClient, public_key: str) -> ApiKey:
    """The key, if the client may see it. Raises ResourceNotFound for all others alike."""
    if "\0" in public_key:
        raise ResourceNotFound  # PostgreSQL takes no such text, not even to look for it.
    key = visible_keys(client).filter(public_key=public_key).first()
    if key is None or key.public_key != public_key:
        raise ResourceNotFound
    return key


def create_key(session: Session, wanted: NewKey) -> tuple[ApiKey, SecretKey]:
    """A key that may do no more than its maker. Raises EscalationRefused, TooManyKeys, InvalidValue, TooManyRequests."""
    limits.count_key_change(session.client.app_domain)
    with _caller(session) as caller:
        escalation.check_may_create(caller, can_issue_tokens=wanted.can_issue_tokens)
        escalation.check_scopes(caller, wanted.scopes)
        expires_at = wanted.expires_at
        if isinstance(expires_at, _Unchanged):
            expires_at = caller.key.expires_at or clock.now() + DEFAULT_LIFE
        escalation.check_expiry(caller, expires_at)
        allowed_ips = (
            caller.key.allowed_ips
            if isinstance(wanted.allowed_ips, _Unchanged)
            else wanted.allowed_ips
        )
        escalation.check_addresses(caller, allowed_ips)
        _check_room_for_one_more(caller.key)
        return lifecycle.create_key(
            caller.key.app_domain,
            name=wanted.name,
            environment=caller.key.environment,
            scopes=wanted.scopes,
            expires_at=expires_at,
            allowed_ips=allowed_ips.split(),
            can_issue_tokens=wanted.can_issue_tokens,
            created_by_key=caller.key,
            by=caller.by,
        )


def change_key(session: Session, key: ApiKey, wanted: KeyChanges) -> ApiKey:
    """The key with these changes. Raises EscalationRefused, TooManyKeys, Conflict, InvalidValue, TooManyRequests."""
    limits.count_key_change(session.client.app_domain)
    with _caller(session) as caller:
        row = lock_key(key)
        escalation.check_may_act_on(caller, row)
        after = _changed(row, wanted)
        if not caller.created(row):
            escalation.check_only_narrows(row, after)
        _check_what_changes(caller, row, after)
        if after.is_usable and not row.is_usable:
            _check_room_for_one_more(row)
        lifecycle.change_key(
            row,
            name=after.name,
            scopes=after.scope_set,
            expires_at=after.expires_at,
            allowed_ips=after.allowed_networks,
            can_issue_tokens=after.can_issue_tokens,
            by=caller.by,
        )
        if not isinstance(wanted.disabled, _Unchanged):
            (lifecycle.disable_key if wanted.disabled else lifecycle.enable_key)(row, by=caller.by)
    return find_key(session.client, key.public_key)


def rotate_key(
    session: Session,
    key: ApiKey,
    *,
    secret: PresentedSecret | None,
    grace: timedelta,
    cascade: bool,
) -> tuple[ApiKey, SecretKey]:
    """The key and its new secret; a wrong current secret is a guess. Raises EscalationRefused, Conflict, TooManyRequests."""
    limits.count_key_change(session.client.app_domain)
    try:
        with _caller(session) as caller:
            row = lock_key(key)
            escalation.check_may_act_on(caller, row)
            escalation.check_secret(caller, row, secret)
            if cascade:
                _revoke_created_keys(caller, row)
            return lifecycle.rotate_key(row, grace=grace, by=caller.by)
    except SecretRequired:
        if secret is not None:
            limits.count_failure(key.public_key, session.address)
        raise


def revoke_key(session: Session, key: ApiKey, *, cascade: bool, force: bool) -> None:
    """End the key. Raises EscalationRefused, LastActiveKey, Conflict; never TooManyRequests: revoking is the remedy."""
    limits.count_key_change(session.client.app_domain, refuse=False)
    with _caller(session, waiting_for=key) as caller:
        row = lock_key(key)
        escalation.check_may_act_on(caller, row)
        _lock_domain(row)
        if cascade:
            _revoke_created_keys(caller, row)
        if not force and row.is_usable and _active_keys(row).count() == 1:
            raise LastActiveKey
        lifecycle.revoke_key(row, by=caller.by)


@contextmanager
def _caller(session: Session, *, waiting_for: ApiKey | None = None) -> Iterator[Caller]:
    """The token's key, locked, if the token still counts. Raises RevokedToken, InsufficientPermissions.

    The key that is waited for is locked with it, in one order for all: two that wait for one another's go on.
    """
    with transaction.atomic(using=write_alias()):
        names = {session.client.pk} | ({waiting_for.public_key} if waiting_for else set())
        rows = list(ApiKey.objects.select_for_update().filter(public_key__in=names).order_by("pk"))
        key = next((row for row in rows if row.public_key == session.client.pk), None)
        state = check_token(session.token, key_state.load(session.client.pk) if key else None)
        assert key is not None  # noqa: S101 - or there is no state
        if not networks.is_allowed(session.address, key.allowed_ips):
            raise InsufficientPermissions("address_not_allowed")
        rights = session.token.scopes & scopes.token_scopes(state.scopes)
        by = Actor(key.public_key, jti=session.token["jti"], address=session.address)
        yield Caller(key, rights, by)


def _changed(row: ApiKey, wanted: KeyChanges) -> ApiKey:
    after = copy(row)
    if not isinstance(wanted.name, _Unchanged):
        after.name = wanted.name
    if not isinstance(wanted.scopes, _Unchanged):
        after.scopes = scopes.join(wanted.scopes)
    if not isinstance(wanted.expires_at, _Unchanged) and not _same_second(
        wanted.expires_at, row.expires_at
    ):
        after.expires_at = wanted.expires_at
    if not isinstance(wanted.allowed_ips, _Unchanged):
        after.allowed_ips = wanted.allowed_ips
    if not isinstance(wanted.disabled, _Unchanged):
        after.disabled_at = clock.now() if wanted.disabled else None
    return after


def _check_what_changes(caller: Caller, before: ApiKey, after: ApiKey) -> None:
    """What stays as it is may exceed the caller: an administrator may have given it, or narrowed the caller since."""
    if after.scopes != before.scopes:
        escalation.check_scopes(caller, after.scope_set)
    if after.expires_at != before.expires_at:
        escalation.check_expiry(caller, after.expires_at)
    if after.allowed_ips != before.allowed_ips:
        escalation.check_addresses(caller, after.allowed_ips)


def _revoke_created_keys(caller: Caller, key: ApiKey) -> None:
    for child in ApiKey.objects.filter(created_by_key=key, revoked_at=None):
        escalation.check_may_act_on(caller, lock_key(child))
    lifecycle.revoke_created_keys(key, by=caller.by)


def _check_room_for_one_more(key: ApiKey) -> None:
    _lock_domain(key)
    if _active_keys(key).count() >= settings.MAX_ACTIVE_KEYS_PER_DOMAIN:
        raise TooManyKeys


def _lock_domain(key: ApiKey) -> None:
    """Have whoever else counts the domain's keys wait. Whoever holds this lock waits for no other: no deadlock."""
    AppDomain.objects.select_for_update().get(pk=key.app_domain_id)


def _same_second(one: datetime | None, other: datetime | None) -> bool:
    """Whether two moments are shown alike."""
    return (one and one.replace(microsecond=0)) == (other and other.replace(microsecond=0))


def _active_keys(key: ApiKey) -> ApiKeyQuerySet:
    return ApiKey.objects.usable().filter(
        app_domain_id=key.app_domain_id, environment=key.environment
    )
