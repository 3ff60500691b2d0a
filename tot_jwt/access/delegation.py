"""What tokens do to keys: the use cases of the keys endpoints.

Each locks the caller's row from the checks to the commit. A concurrent change of the
caller is either committed before the checks, or waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Required, TypedDict

from django.db import transaction

from tot_jwt.access import escalation, limits
from tot_jwt.access.decisions import grant_token
from tot_jwt.access.escalation import Caller
from tot_jwt.conf import settings
from tot_jwt.exceptions import LastActiveKey, ResourceNotFound, SecretRequired, TooManyKeys
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.locking import lock_domain, lock_key
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, ApiKeyQuerySet, write_alias
from tot_jwt.principal import ApiClient
from tot_jwt.rules import expiry, scopes
from tot_jwt.rules.credentials import PresentedSecret, SecretKey
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils import clock

#: The lifetime of a created key if the request names none and the caller's key never expires.
DEFAULT_LIFETIME = timedelta(days=90)


class KeyFields(TypedDict, total=False):
    """The fields of a key that a client sent. A field that is absent stays as it is."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    allowed_ips: str
    disabled: bool


class NewKeyFields(TypedDict, total=False):
    """The fields of a new key. A field that is absent gets its default."""

    name: Required[str]
    scopes: Required[frozenset[str]]
    expires_at: datetime | None
    allowed_ips: str
    can_issue_tokens: bool


@dataclass(frozen=True, slots=True)
class KeySession:
    """A verified token with `keys:manage`, and the address that it came from."""

    client: ApiClient
    token: ApiToken
    address: str


def visible_keys(client: ApiClient) -> ApiKeyQuerySet:
    """Return the keys of the client's domain and environment, newest first."""
    return ApiKey.objects.with_related().filter(
        app_domain__domain=client.app_domain, environment=client.environment
    )


def find_key(client: ApiClient, public_key: str) -> ApiKey:
    """Return the key if the client may see it. Raises ResourceNotFound for any other."""
    key = visible_keys(client).get_exact(public_key)
    if key is None:
        raise ResourceNotFound
    return key


def create_key(session: KeySession, fields: NewKeyFields) -> tuple[ApiKey, SecretKey]:
    """Create a key that may do no more than its creator.

    Raises EscalationRefused, InsufficientPermissions, TooManyKeys, InvalidValue,
    TooManyRequests.
    """
    limits.count_key_change(session.client.app_domain)
    can_issue_tokens = fields.get("can_issue_tokens", True)
    with _locked_caller(session) as caller:
        escalation.check_may_create(caller, can_issue_tokens=can_issue_tokens)
        escalation.check_scopes(caller, fields["scopes"])
        expires_at = fields.get("expires_at", caller.key.expires_at or _default_expiry())
        escalation.check_expiry(caller, expires_at)
        allowed_ips = fields.get("allowed_ips", caller.key.allowed_ips)
        escalation.check_addresses(caller, allowed_ips)
        _check_quota(caller.key)
        return lifecycle.create_key(
            caller.key.app_domain,
            name=fields["name"],
            environment=caller.key.environment,
            scopes=fields["scopes"],
            expires_at=expires_at,
            allowed_ips=allowed_ips.split(),
            can_issue_tokens=can_issue_tokens,
            created_by_key=caller.key,
            by=caller.by,
        )


def change_key(session: KeySession, key: ApiKey, fields: KeyFields) -> ApiKey:
    """Change the key, and return it.

    Raises EscalationRefused, TooManyKeys, Conflict, InvalidValue, TooManyRequests.
    """
    limits.count_key_change(session.client.app_domain)
    with _locked_caller(session) as caller:
        row = lock_key(key)
        escalation.check_may_act_on(caller, row)
        after = _changed(row, fields)
        if not caller.created(row):
            escalation.check_only_narrows(row, after)
        _check_changes(caller, row, after)
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
    cascade: bool,
) -> tuple[ApiKey, SecretKey]:
    """Rotate the key. Return it with its new secret; a wrong current secret counts as a failure.

    Raises EscalationRefused, Conflict, TooManyRequests.
    """
    limits.count_key_change(session.client.app_domain)
    try:
        with _locked_caller(session) as caller:
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


def revoke_key(session: KeySession, key: ApiKey, *, cascade: bool, force: bool) -> None:
    """Revoke the key.

    Raises EscalationRefused, LastActiveKey, Conflict; never TooManyRequests, because revoking is
    the remedy for a stolen key.
    """
    limits.count_key_change(session.client.app_domain, refuse=False)
    with _locked_caller(session, also=key) as caller:
        row = lock_key(key)
        escalation.check_may_act_on(caller, row)
        lock_domain(row)
        if cascade:
            _revoke_created_keys(caller, row)
        if not force and row.is_usable and _active_keys(row).count() == 1:
            raise LastActiveKey
        lifecycle.revoke_key(row, by=caller.by)


@contextmanager
def _locked_caller(session: KeySession, *, also: ApiKey | None = None) -> Iterator[Caller]:
    """Yield the caller with its locked key, if the token is still valid.

    `also` is locked with it, in the order of their ids, so that two calls that wait for each
    other's key cannot deadlock. Raises RevokedToken, InvalidToken, InsufficientPermissions.
    """
    with transaction.atomic(using=write_alias()):
        public_key = session.client.pk
        names = {public_key} | ({also.public_key} if also else set())
        keys = ApiKey.objects.select_for_update().filter(public_key__in=names).order_by("pk")
        rows = {key.public_key: key for key in keys}
        state = key_state.load(public_key) if public_key in rows else None
        grant = grant_token(session.token, state, session.address)
        by = Actor(public_key, jti=session.token["jti"], address=session.address)
        yield Caller(rows[public_key], grant.scopes, by)


def _changed(row: ApiKey, fields: KeyFields) -> ApiKey:
    """Return a copy of the row with these fields."""
    after = copy(row)
    after.name = fields.get("name", row.name)
    if "scopes" in fields:
        after.scopes = scopes.join(fields["scopes"])
    if "expires_at" in fields and not expiry.same_second(fields["expires_at"], row.expires_at):
        after.expires_at = fields["expires_at"]
    after.allowed_ips = fields.get("allowed_ips", row.allowed_ips)
    if "disabled" in fields:
        after.disabled_at = clock.now() if fields["disabled"] else None
    return after


def _check_changes(caller: Caller, before: ApiKey, after: ApiKey) -> None:
    """Check the fields that change. Others may exceed the caller, if an administrator set them."""
    if after.scopes != before.scopes:
        escalation.check_scopes(caller, after.scope_set)
    if after.expires_at != before.expires_at:
        escalation.check_expiry(caller, after.expires_at)
    if after.allowed_ips != before.allowed_ips:
        escalation.check_addresses(caller, after.allowed_ips)


def _apply(row: ApiKey, after: ApiKey, fields: KeyFields, by: Actor) -> None:
    lifecycle.change_key(
        row,
        name=after.name,
        scopes=after.scope_set,
        expires_at=after.expires_at,
        allowed_ips=after.allowed_networks,
        can_issue_tokens=after.can_issue_tokens,
        by=by,
    )
    if "disabled" in fields:
        (lifecycle.disable_key if fields["disabled"] else lifecycle.enable_key)(row, by=by)


def _revoke_created_keys(caller: Caller, key: ApiKey) -> None:
    for created in ApiKey.objects.created_with([key]):
        escalation.check_may_act_on(caller, lock_key(created))
    lifecycle.revoke_created_keys(key, by=caller.by)


def _default_expiry() -> datetime:
    return clock.now() + DEFAULT_LIFETIME


def _check_quota(key: ApiKey) -> None:
    """Raise TooManyKeys if the key's domain may have no further active key."""
    lock_domain(key)
    if _active_keys(key).count() >= settings.MAX_ACTIVE_KEYS_PER_DOMAIN:
        raise TooManyKeys


def _active_keys(key: ApiKey) -> ApiKeyQuerySet:
    return ApiKey.objects.usable().filter(
        app_domain_id=key.app_domain_id, environment=key.environment
    )
