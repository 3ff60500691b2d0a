"""How the admin shows a status, scopes and addresses: the same on every page, with or without colours."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import template_localtime  # type: ignore[attr-defined]
from django.utils.translation import gettext_lazy as _

from tot_jwt.models import ApiKey, AppDomain, KeyStatus
from tot_jwt.utils import clock

#: So many scopes stand open in a list; the others unfold.
SCOPES_SHOWN = 6

#: A previous secret that was used within this time is still needed, most likely.
RECENTLY = timedelta(hours=1)

_SYMBOLS = {
    KeyStatus.ACTIVE: "✓",
    KeyStatus.EXPIRING: "!",
    KeyStatus.EXPIRED: "○",
    KeyStatus.DISABLED: "–",
    KeyStatus.REVOKED: "✕",
}


def key_badge(key: ApiKey) -> SafeString:
    """The key's status: a symbol, a word and a colour."""
    return _badge(key.status, _SYMBOLS[key.status], key.status.label)


def status_badges(key: ApiKey) -> SafeString:
    """The key's status and, while it has two secrets, until when."""
    return format_html("{} {}", key_badge(key), two_secrets_badge(key))


def two_secrets_badge(key: ApiKey) -> SafeString | str:
    """Until when the key has two secrets; nothing where it has one."""
    ends = key.previous_secret_expires_at
    if ends is None or not key.previous_secret_is_live:
        return ""
    return _badge("two", "↻", _("two secrets until %(time)s") % {"time": near(ends)})


def use_of_previous_secret(key: ApiKey) -> SafeString | str:
    """Whether anybody still uses the older of two secrets; nothing where the key has one."""
    if not key.previous_secret_is_live:
        return ""
    used = key.previous_secret_last_used_at
    if used is None or used < clock.now() - RECENTLY:
        return str(_("The old secret was not used in the last hour."))
    ago = timesince(used, clock.now())
    return format_html(
        "<strong>{}</strong>", _("The old secret was used %(time)s ago.") % {"time": ago}
    )


def moment(at: datetime) -> str:
    """A date and time as the rest of the admin shows it, in the reader's zone."""
    return str(formats.localize(template_localtime(at)))


def near(at: datetime) -> str:
    """The same, without the date if that is today's."""
    here, now = template_localtime(at), template_localtime(clock.now())
    return formats.time_format(here) if here.date() == now.date() else moment(at)


def domain_badge(app_domain: AppDomain) -> SafeString:
    """Whether the domain is suspended: a symbol, a word and a colour."""
    if app_domain.is_suspended:
        return _badge("suspended", "–", _("suspended"))
    return _badge("active", "✓", _("active"))


def hint(key: ApiKey) -> SafeString | str:
    """The end of the secret, by which its owner knows it."""
    return (
        format_html('<code class="tot-code">…{}</code>', key.secret_hint) if key.secret_hint else ""
    )


def code(text: str) -> SafeString:
    """A key or domain, which breaks anywhere rather than widen the page."""
    return format_html('<code class="tot-code">{}</code>', text)


def clipped_code(text: str) -> SafeString:
    """A domain in a list: the first few lines of a long one, and all of it for the pointer."""
    return format_html('<code class="tot-code tot-clipped" title="{0}">{0}</code>', text)


def chips(texts: Iterable[str]) -> SafeString:
    """Scopes or networks, all of them."""
    return format_html('<span class="tot-chips">{}</span>', _chips(texts))


def folded_chips(texts: Iterable[str]) -> SafeString:
    """Scopes or networks in a list: the first few, the others folded."""
    texts = list(texts)
    if len(texts) <= SCOPES_SHOWN + 1:
        return chips(texts)
    more = _("%(count)d more") % {"count": len(texts) - SCOPES_SHOWN}
    return format_html(
        '<div class="tot-chips">{}<details><summary>{}</summary>{}</details></div>',
        _chips(texts[:SCOPES_SHOWN]),
        more,
        _chips(texts[SCOPES_SHOWN:]),
    )


def _chips(texts: Iterable[str]) -> SafeString:
    return format_html_join(" ", '<code class="tot-chip">{}</code>', ((text,) for text in texts))


def _badge(tone: str, symbol: str, text: object) -> SafeString:
    return format_html(
        '<span class="tot-badge tot-badge-{}"><span aria-hidden="true">{}</span> {}</span>',
        tone,
        symbol,
        text,
    )
