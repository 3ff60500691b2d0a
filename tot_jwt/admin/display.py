"""How the admin shows a status, scopes and addresses. No page relies on colors alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import template_localtime  # type: ignore[attr-defined]
from django.utils.translation import gettext_lazy as _

from tot_jwt.models import ApiKey, AppDomain, KeyStatus
from tot_jwt.rules.status import endings, status_of
from tot_jwt.utils import clock

#: A client probably still needs a previous secret that was used within this time.
RECENTLY = timedelta(hours=1)

_SYMBOLS = {
    KeyStatus.ACTIVE: "✓",
    KeyStatus.EXPIRING: "!",
    KeyStatus.EXPIRED: "○",
    KeyStatus.DISABLED: "–",
    KeyStatus.SUSPENDED: "‖",
    KeyStatus.REVOKED: "✕",
}


def key_badge(key: ApiKey) -> SafeString:
    """Return the key's status as a symbol, a word and a color."""
    return _status_badge(key.status)


def explained_badge(key: ApiKey) -> SafeString:
    """Return the key's status and, if its creator matters, how."""
    return format_html("{} {}", key_badge(key), _creator_note(key))


def status_badges(key: ApiKey) -> SafeString:
    """Return the key's explained status and, if it has two secrets, until when."""
    return format_html("<div>{} {}</div>", explained_badge(key), two_secrets_badge(key))


def two_secrets_badge(key: ApiKey) -> SafeString | str:
    """Return until when the key has two secrets, or an empty string if it has one."""
    ends = key.previous_secret_expires_at
    if ends is None or not key.previous_secret_is_live:
        return ""
    return _badge("two", "↻", _("two secrets until %(time)s") % {"time": short_time(ends)})


def use_of_previous_secret(key: ApiKey) -> SafeString | str:
    """Return when the older of two secrets was used, or an empty string if the key has one."""
    if not key.previous_secret_is_live:
        return ""
    used = key.previous_secret_last_used_at
    if used is None or used < clock.now() - RECENTLY:
        return str(_("The previous secret was not used in the last hour."))
    text = _("The previous secret was used %(time)s ago.")
    return format_html("<strong>{}</strong>", text % {"time": timesince(used, clock.now())})


def moment(at: datetime) -> str:
    """Return the date and time in the user's format and time zone."""
    return str(formats.localize(template_localtime(at)))


def short_time(at: datetime) -> str:
    """Return the time of a moment today, or the date and time of another day."""
    local, now = template_localtime(at), template_localtime(clock.now())
    return formats.time_format(local) if local.date() == now.date() else moment(at)


def domain_badge(app_domain: AppDomain) -> SafeString:
    """Return the domain's state as a symbol, a word and a color."""
    status = KeyStatus.SUSPENDED if app_domain.is_suspended else KeyStatus.ACTIVE
    return _status_badge(status)


def hint(key: ApiKey) -> SafeString | str:
    """Return the end of the secret, or an empty string if it is not known."""
    return code(f"…{key.secret_hint}") if key.secret_hint else ""


def code(text: str) -> SafeString:
    """Return a key or a domain. The browser breaks it anywhere, so that it fits the page."""
    return format_html('<code class="tot-code">{}</code>', text)


def clipped_code(text: str) -> SafeString:
    """Return a domain for a list: three lines of a long one, and a tooltip with all of it."""
    return format_html('<code class="tot-code tot-clipped" title="{0}">{0}</code>', text)


def chips(texts: Iterable[str]) -> SafeString:
    """Return all scopes or networks."""
    return format_html('<span class="tot-chips">{}</span>', _chips(texts))


def labeled(label: object, text: object) -> SafeString:
    """Return a cell of a list. The label shows only where the list has no visible columns."""
    return format_html('<div><span class="tot-label">{}</span> {}</div>', label, text)


def _creator_note(key: ApiKey) -> SafeString | str:
    """Return that the key was released, or that it has its status from its creator."""
    if key.released_at is not None:
        return _note(_("released"))
    own = status_of(endings(key, None, key.app_domain.suspended_at))
    if key.status is own:
        return ""
    return _note(_("its creator is %(status)s") % {"status": key.status.label})


def _note(text: object) -> SafeString:
    return format_html('<span class="tot-note">{}</span>', text)


def _chips(texts: Iterable[str]) -> SafeString:
    return format_html_join(" ", '<code class="tot-chip">{}</code>', ((text,) for text in texts))


def _status_badge(status: KeyStatus) -> SafeString:
    return _badge(status, _SYMBOLS[status], status.label)


def _badge(tone: str, symbol: str, text: object) -> SafeString:
    return format_html(
        '<span class="tot-badge tot-badge-{}"><span aria-hidden="true">{}</span> {}</span>',
        tone,
        symbol,
        text,
    )
