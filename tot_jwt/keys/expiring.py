"""Keys that are about to expire, and the message that tells their owners.

Each key is named once for each threshold: a number of days before its expiry. A KeyEvent remembers
it. A new expiry starts anew.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from django.conf import settings as host_settings
from django.core.mail import mail_admins, send_mail
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.keys.locking import lock_key
from tot_jwt.keys.record import SYSTEM, Actor, Changes, record
from tot_jwt.models import ApiKey, ApiKeyQuerySet, KeyEvent, write_alias
from tot_jwt.rules.status import endings
from tot_jwt.signals import key_expiring
from tot_jwt.utils import clock
from tot_jwt.utils.logs import one_line

logger = logging.getLogger("tot_jwt")

#: Days before the expiry at which an owner is told.
THRESHOLDS = (14, 7, 1)
#: A hundred years, as for the arguments of commands.
MAX_DAYS = 36_500

_BAD_DAYS = gettext_lazy("Use at least one number of days, each from 1 to %(limit)d.")


@dataclass(frozen=True, slots=True)
class Notice:
    """A key whose owner must be told that it expires within this number of days."""

    key: ApiKey
    days: int
    #: The effective expiry: the creator's, if that is earlier.
    expires_at: datetime
    #: The threshold at which the owner was last told of this expiry.
    last_days: int | None

    @property
    def changes(self) -> Changes:
        """What the event records."""
        expiry = self.expires_at.isoformat()
        told_before = expiry if self.last_days else None
        return {"threshold": [self.last_days, self.days], "expires_at": [told_before, expiry]}


@dataclass(frozen=True, slots=True)
class Failure:
    """A notice that could not be sent or recorded."""

    notice: Notice
    reason: str


@dataclass
class Report:
    """The result of `notify_expiring`."""

    notified: list[Notice] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def expired_q(moment: datetime) -> Q:
    """Return the condition of keys that have expired at that moment, or whose creator has."""
    own = Q(expires_at__isnull=False, expires_at__lte=moment)
    return own | Q(
        released_at=None,
        created_by_key__expires_at__isnull=False,
        created_by_key__expires_at__lte=moment,
    )


def notify_expiring(
    *, within: int | None = None, thresholds: Iterable[int] = THRESHOLDS, by: Actor = SYSTEM
) -> Report:
    """Tell the owners of usable keys that expire within this number of days.

    One e-mail for each contact address names all its keys. Keys of domains without a contact go to
    ADMINS. If `within` is greater than all thresholds, it is a threshold too. A message that cannot
    be sent is reported, and sent by the next call. Two calls at once may send a message twice.

    Raises InvalidValue if there is no number of days, or one that is not from 1 to MAX_DAYS.
    """
    limits = _limits(within, thresholds)
    horizon = within or limits[-1]
    report = Report()
    contacts = _expiring(horizon).order_by().values_list("app_domain__contact", flat=True)
    for contact in sorted(contacts.distinct()):
        # Each contact's keys are read just before its message: they may change meanwhile.
        notices = _due(contact, horizon, limits)
        if notices:
            _notify(contact, notices, by, report)
    return report


def _limits(within: int | None, thresholds: Iterable[int]) -> list[int]:
    """Return the thresholds in order, with `within` if it is the greatest."""
    limits = sorted({*thresholds})
    days = [*limits] if within is None else [*limits, within]
    if not days or not all(1 <= each <= MAX_DAYS for each in days):
        raise InvalidValue(_BAD_DAYS % {"limit": MAX_DAYS})
    if not limits or days[-1] > limits[-1]:
        limits.append(days[-1])
    return limits


def _expiring(within: int) -> ApiKeyQuerySet:
    keys: ApiKeyQuerySet = ApiKey.objects.usable()
    return keys.filter(expired_q(clock.now() + timedelta(days=within)))


def _due(contact: str, horizon: int, limits: Sequence[int]) -> list[Notice]:
    """Return the notices that the contact did not get yet."""
    keys = _expiring(horizon).filter(app_domain__contact=contact)
    ordered = list(keys.with_related().order_by("app_domain__domain", "pk"))
    told = _told(ordered)
    notices = []
    for key in ordered:
        # `_expiring` selects no key without an expiry.
        expires_at = cast(datetime, endings(key, key.creator, None).expires_at)
        days = next(n for n in limits if expires_at <= clock.now() + timedelta(days=n))
        last_days = told.get((key.pk, expires_at.isoformat()))
        if last_days is None or last_days > days:
            notices.append(Notice(key, days, expires_at, last_days))
    return notices


def _told(keys: Iterable[ApiKey]) -> dict[tuple[int | None, str], int]:
    """Return the last threshold of each key and expiry of which its owner was told."""
    action = KeyEvent.Action.EXPIRY_NOTIFIED
    events = KeyEvent.objects.filter(action=action, key__in=keys).order_by("pk")
    return {
        (event.key_id, event.changes["expires_at"][1]): event.changes["threshold"][1]
        for event in events
    }


def _notify(contact: str, notices: Sequence[Notice], by: Actor, report: Report) -> None:
    """Send one message for all notices. Record it only if it was sent."""
    try:
        reason = _send(contact, notices)
    except Exception as error:
        # Mail backends raise errors of their own.
        logger.warning("Notice of expiry not sent: contact=%s", one_line(contact), exc_info=True)
        reason = _("The message could not be sent: %(error)s") % {"error": type(error).__name__}
    for notice in notices:
        failure = reason or _record(notice, by)
        if failure:
            report.failed.append(Failure(notice, failure))
        else:
            report.notified.append(notice)


def _send(contact: str, notices: Sequence[Notice]) -> str:
    """Send the message. Return why it cannot be sent, or an empty text."""
    subject, body = _subject(len(notices)), _body(notices)
    if contact:
        send_mail(subject, body, None, [contact])
    elif host_settings.ADMINS:
        mail_admins(subject, body)
    elif not key_expiring.has_listeners(ApiKey):
        return _("The domain has no contact address, and the setting ADMINS is empty.")
    return ""


def _record(notice: Notice, by: Actor) -> str:
    """Record the notice, and send `key_expiring`. Return what failed, or an empty text."""
    key, alias = notice.key, write_alias()
    send = partial(key_expiring.send_robust, sender=ApiKey, key=key, days=notice.days)
    try:
        with transaction.atomic(using=alias):
            lock_key(key, wait=True)  # Raises an error of its own if the key was erased.
            record(KeyEvent.Action.EXPIRY_NOTIFIED, key.app_domain, key, by, notice.changes)
            transaction.on_commit(send, using=alias, robust=True)
    except TotJWTError as error:
        return error.detail
    return ""


def _subject(count: int) -> str:
    return ngettext(
        "%(count)d API key is about to expire", "%(count)d API keys are about to expire", count
    ) % {"count": count}


def _body(notices: Iterable[Notice]) -> str:
    introduction = _(
        "The following API keys are about to expire. After its expiry, a key and its tokens are "
        "rejected."
    )
    advice = _(
        "If an application still needs its key, ask the operator of the API for a later expiry or "
        "a new key before that time. A new secret does not change the expiry."
    )
    return "\n\n".join([introduction, *map(_paragraph, notices), advice]) + "\n"


def _paragraph(notice: Notice) -> str:
    expires_at = datetime.fromtimestamp(notice.expires_at.timestamp(), UTC)
    return _(
        "Domain: %(domain)s\nName: %(name)s\nPublic key: %(public_key)s\nExpires: %(expires_at)s"
    ) % {
        "domain": notice.key.app_domain.domain,
        # A name on one line cannot imitate another line of the message.
        "name": " ".join(notice.key.name.split()),
        "public_key": notice.key.public_key,
        "expires_at": f"{expires_at:%Y-%m-%d %H:%M} UTC",
    }
