"""TODO"""

from datetime import datetime

from django.db import transaction

from tot_jwt.keys.lifecycle import Action
from tot_jwt.keys.record import SYSTEM, Actor, record
from tot_jwt.models import AppDomain, write_alias
from tot_jwt.rules import domains
from tot_jwt.utils import clock


def create_domain(domain: str, *, name: str = "") -> AppDomain:
    """A new domain of what a person typed. Raises InvalidValue; ValidationError where it exists already."""
    app_domain = AppDomain(domain=domains.from_person(domain), name=name)
    app_domain.full_clean()
    app_domain.save()
    return app_domain


def rename_domain(app_domain: AppDomain, *, name: str) -> AppDomain:
    """Call the application by another name; its domain stays."""
    app_domain.name = name
    app_domain.full_clean()
    app_domain.save(update_fields=["name", "updated_at"])
    return app_domain


def suspend_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """End the rights of all the domain's keys and tokens until it is resumed."""
    return _set_suspended(app_domain, clock.now(), Action.SUSPENDED, by)


def resume_domain(app_domain: AppDomain, *, by: Actor = SYSTEM) -> AppDomain:
    """Give the domain's keys and tokens their rights back."""
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
