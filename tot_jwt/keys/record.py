"""Who does something to a key, and the record of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.signals import key_event
from tot_jwt.utils import clock

#: What of a key is recorded when it changes. Hashes are not.
RECORDED = (
    "name",
    "scopes",
    "expires_at",
    "allowed_ips",
    "can_issue_tokens",
    "secret_hint",
    "previous_secret_expires_at",
    "generation",
)

Changes = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person in the admin, an API key with its token, or whoever has the command line."""

    name: str
    user: Any = None
    jti: str = ""
    address: str = ""


#: Commands, and code of the host.
SYSTEM = Actor("system")


def person(user: Any, address: str = "") -> Actor:
    """An administrator; the name stays on record when the account goes."""
    return Actor(str(user.get_username())[:255], user=user, address=address)


def differences(before: ApiKey | None, after: ApiKey) -> Changes:
    """Name → [before, after] of what is recorded and differs."""
    pairs = (
        (name, _plain(before and getattr(before, name)), _plain(getattr(after, name)))
        for name in RECORDED
    )
    return {name: [old, new] for name, old, new in pairs if old != new}


def record(
    action: KeyEvent.Action,
    app_domain: AppDomain,
    key: ApiKey | None,
    by: Actor,
    changes: Changes | None = None,
) -> None:
    """Write the event in the current transaction, and send `key_event` when that commits."""
    event = KeyEvent.objects.create(
        app_domain=app_domain,
        key=key,
        action=action,
        at=clock.now(),
        user=by.user,
        actor=by.name,
        jti=by.jti,
        address=by.address,
        changes=changes or {},
    )
    transaction.on_commit(
        lambda: key_event.send_robust(sender=KeyEvent, event=event),
        using=event._state.db,
        robust=True,
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
