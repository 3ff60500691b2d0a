"""The life of a domain: creation, renaming, suspension."""

from datetime import datetime

from django.db import transaction

from tot_jwt.keys.record import SYSTEM, Actor, record
from tot_jwt.models import AppDomain, KeyEvent, write_alias
from tot_jwt.rules import domains
from tot_jwt.utils import clock

Action = KeyEvent.Action


def create_domain(domain: str, *, name: str = "") -> AppDomain:
    """Create a domain from what a person typed.

    Raises InvalidValue; ValidationError if the domain already exists.
    """
    app_domain = AppDomain(domain=domains.from_person(domain), name=name)
    app_domain.full_clean()
    app_domain.save()
    return app_domain


def rename_domain(app_domain: AppDomain, *, name: str) -> AppDomain:
    """Change the application's name. Its domain stays. Raises ValidationError."""
    app_domain.name = name
    app_domain.full_clean()
    app_domain.save(update_fields=["name", "updated_at"])
    return app_domain


def suspend_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """Suspend all keys and tokens of the domain until it is resumed."""
    return _set_suspended(app_domain, clock.now(), Action.SUSPENDED, by)


def resume_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """Let the domain's keys and tokens work again."""
    return _set_suspended(app_domain, None, Action.RESUMED, by)


def _set_suspended(
    app_domain: AppDomain, at: datetime | None, action: Action, by: Actor
) -> AppDomain:
    with transaction.atomic(using=write_alias()):
        row = AppDomain.objects.select_for_update().get(pk=app_domain.pk)
        if row.is_suspended != (at is not None):
            row.suspended_at = at
            row.save(update_fields=["suspended_at", "updated_at"])
            record(action, row, None, by)
    return row
