"""The record: a KeyEvent for each change to a key or a domain, and its signal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from tot_jwt.models import ApiKey, AppDomain, KeyEvent, write_alias
from tot_jwt.rules import lengths
from tot_jwt.signals import key_event
from tot_jwt.utils import clock

#: The fields of a key or a domain whose changes are recorded. Hashes are not.
RECORDED = (
    "domain",
    "aliases",
    "name",
    "contact",
    "external_id",
    "scopes",
    "expires_at",
    "allowed_ips",
    "can_issue_tokens",
    "rate_limit",
    "metadata",
    "secret_hint",
    "previous_secret_expires_at",
    "generation",
)

M = TypeVar("M", ApiKey, AppDomain)

#: The event of a new row does not list the settings that the row lacks.
_EMPTY: tuple[Any, ...] = ("", {})

#: Name → [before, after].
Changes = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an administrator, an API key with its token, or a process of the host."""

    name: str
    user: Any = None
    jti: str = ""
    address: str = ""

    @property
    def is_token(self) -> bool:
        """Whether a client acts with a token."""
        return bool(self.jti)


#: Commands, and code of the host.
SYSTEM = Actor("system")


def administrator(user: Any, address: str = "") -> Actor:
    """Return the actor for an account. The record keeps its name when the account is deleted."""
    return Actor(str(user.get_username())[: lengths.ACTOR], user=user, address=address)


def differences(before: M | None, after: M) -> Changes:
    """Return the recorded fields that differ."""
    values = (
        (name, _plain(before and getattr(before, name)), _plain(getattr(after, name)))
        for name in RECORDED
        if hasattr(after, name)
    )
    is_new = before is None
    return {
        name: [old, new]
        for name, old, new in values
        if old != new and not (is_new and new in _EMPTY)
    }


def new_event(
    action: KeyEvent.Action, app_domain: AppDomain | None, by: Actor, **fields: Any
) -> KeyEvent:
    """Return an unsaved event of this moment. `fields` are `key` or `key_id`, and `changes`."""
    return KeyEvent(
        action=action,
        app_domain=app_domain,
        at=clock.now(),
        user=by.user,
        actor=by.name,
        jti=by.jti[: lengths.TOKEN_ID],
        address=by.address,
        **fields,
    )


def record(
    action: KeyEvent.Action,
    app_domain: AppDomain | None,
    key: ApiKey | None,
    by: Actor,
    changes: Changes | None = None,
) -> None:
    """Write the event in the current transaction. Send `key_event` when that commits."""
    event = new_event(action, app_domain, by, key=key, changes=changes or {})
    event.save(force_insert=True, using=write_alias())
    transaction.on_commit(lambda: send([event]), using=event._state.db, robust=True)


def send(events: Iterable[KeyEvent]) -> None:
    """Send `key_event` for each event."""
    for event in events:
        key_event.send_robust(sender=KeyEvent, event=event)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
