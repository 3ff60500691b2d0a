"""The life of a domain: creation, changes, renaming, suspension, erasure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from tot_jwt.keys.locking import lock_domains, lock_keys
from tot_jwt.keys.record import SYSTEM, Actor, differences, record
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, write_alias
from tot_jwt.rules import domains
from tot_jwt.utils import clock

Action = KeyEvent.Action


def create_domain(
    domain: str,
    *,
    name: str = "",
    aliases: Iterable[str] = (),
    contact: str = "",
    external_id: str | None = None,
    metadata: Mapping[str, str] | None = None,
    rate_limit: str = "",
    by: Actor = SYSTEM,
) -> AppDomain:
    """Create a domain from what a person typed. Its aliases are domains too.

    Raises InvalidValue for a domain or an alias; ValidationError for any other field, also if the
    domain or the external ID already exists.
    """
    canonical = domains.from_person(domain)
    app_domain = AppDomain(
        domain=canonical,
        name=name,
        aliases=domains.aliases_from_person(aliases, canonical),
        contact=contact,
        external_id=external_id,
        metadata=dict(metadata or {}),
        rate_limit=rate_limit,
    )
    app_domain.full_clean()
    with transaction.atomic(using=write_alias()):
        app_domain.save(force_insert=True)
        record(Action.DOMAIN_CREATED, app_domain, None, by, differences(None, app_domain))
    return app_domain


def change_domain(
    app_domain: AppDomain,
    *,
    name: str,
    aliases: Iterable[str],
    contact: str,
    external_id: str | None,
    metadata: Mapping[str, str],
    rate_limit: str,
    by: Actor = SYSTEM,
) -> AppDomain:
    """Change everything but the domain itself. A removed alias stops working for its clients.

    Raises InvalidValue for an alias; ValidationError for any other field.
    """
    with transaction.atomic(using=write_alias()):
        row = _lock(app_domain)
        row.name, row.contact, row.external_id = name, contact, external_id
        row.aliases = domains.aliases_from_person(aliases, row.domain)
        row.metadata, row.rate_limit = dict(metadata), rate_limit
        _save(row, Action.DOMAIN_CHANGED, by)
    return row


def rename_domain(
    app_domain: AppDomain, domain: str, *, keep_alias: bool = False, by: Actor = SYSTEM
) -> AppDomain:
    """Give the domain another name. Its live tokens end.

    `keep_alias` keeps the previous name as an alias, so that clients may still send it.

    Raises InvalidValue; ValidationError if the new domain already exists; ResourceNotFound.
    """
    with transaction.atomic(using=write_alias()):
        keys = ApiKey.objects.filter(app_domain=app_domain)
        lock_keys(keys)
        row = _lock(app_domain)
        old, row.domain = row.domain, domains.from_person(domain)
        kept = [*row.alias_list, *([old] if keep_alias else [])]
        row.aliases = domains.aliases_from_person(kept, row.domain)
        if _save(row, Action.DOMAIN_RENAMED, by):
            # Otherwise tokens would work again if the old name came back within their lifetime.
            keys.update(generation=F("generation") + 1)
    return row


def suspend_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """Suspend all keys and tokens of the domain until it is resumed."""
    return _set_suspended(app_domain, clock.now(), Action.SUSPENDED, by)


def resume_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """Let the domain's keys and tokens work again."""
    return _set_suspended(app_domain, None, Action.RESUMED, by)


def erase_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> dict[str, int]:
    """Erase the domain with its keys and their events, permanently.

    Return the numbers of erased keys and events. One event remains, which belongs to no domain and
    names neither the domain nor its keys. Raises IntegrityError if rows of the host refer to them,
    usually ProtectedError or RestrictedError. Then nothing is erased.
    """
    with transaction.atomic(using=write_alias()):
        keys = ApiKey.objects.filter(app_domain=app_domain)
        # Keys first, as everywhere: see `tot_jwt.keys.locking`.
        lock_keys(keys)
        row = _lock(app_domain)
        events = KeyEvent.objects.filter(app_domain=row).erase()
        # MySQL and MariaDB check foreign keys row by row: no key may refer to its creator any more.
        keys.update(created_by_key=None)
        _, counts = keys.delete()
        row.delete()
        erased = {"keys": counts.get(ApiKey._meta.label, 0), "events": events}
        record(Action.DOMAIN_ERASED, None, None, by, {name: [n, 0] for name, n in erased.items()})
    return erased


def prune_events(before: datetime, *, by: Actor = SYSTEM) -> int:
    """Delete the events before that moment, and record it. Return their number.

    Notices of expiries that are still ahead stay: they keep owners from being told twice.
    """
    with transaction.atomic(using=write_alias()):
        deleted = KeyEvent.objects.prunable(before).erase()
        if deleted:
            record(Action.EVENTS_PRUNED, None, None, by, {"events": [deleted, 0]})
    return deleted


def _lock(app_domain: AppDomain) -> AppDomain:
    (row,) = lock_domains([app_domain])
    return row


def _save(row: AppDomain, action: Action, by: Actor) -> bool:
    """Save and record the changes of the row. Return whether there are any.

    Raises ValidationError.
    """
    changes = differences(AppDomain.objects.get(pk=row.pk), row)
    if changes:
        # What stays as it is may be from a time with other rules.
        names = [field.name for field in row._meta.fields]
        row.full_clean(exclude=[name for name in names if name not in changes])
        row.save()
        record(action, row, None, by, changes)
    return bool(changes)


def _set_suspended(
    app_domain: AppDomain, at: datetime | None, action: Action, by: Actor
) -> AppDomain:
    with transaction.atomic(using=write_alias()):
        row = _lock(app_domain)
        if row.is_suspended != (at is not None):
            row.suspended_at = at
            row.save(update_fields=["suspended_at", "updated_at"])
            record(action, row, None, by)
    return row
