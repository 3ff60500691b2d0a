"""What the creator of a key means for it, on the key's page."""

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.display import chips, code, key_badge, moment
from tot_jwt.models import ApiKey
from tot_jwt.rules import networks
from tot_jwt.rules.expiry import ends_later


def creator_text(key: ApiKey, creator: ApiKey, url: str) -> SafeString:
    """Return the creator with a link to its page, and whether the key lives inside it."""
    return format_html(
        '<a href="{}">{}</a> {} {}<p class="tot-quiet">{}</p>',
        url,
        creator.name,
        code(creator.public_key),
        key_badge(creator),
        " ".join(map(str, _relation(key))),
    )


def limits_text(key: ApiKey) -> SafeString | str:
    """Return what the key may use of its own rights, or an empty string if it is all of them."""
    creator = key.creator
    limits = [] if creator is None else list(_limits(key, creator))
    if not limits:
        return ""
    items = format_html_join(
        "", "<li>{}: {}</li>", [(capfirst(_label(name)), value) for name, value in limits]
    )
    return format_html('<ul class="tot-changes">{}</ul>', items)


def _relation(key: ApiKey) -> Iterator[object]:
    if key.released_at is not None:
        text = _("Released on %(time)s: this key stands alone.")
        yield text % {"time": moment(key.released_at)}
        return
    yield _("This key lives inside its creator, and works only while its creator works.")
    if key.restricted_at is not None:
        yield _("An administrator has restricted it, so tokens can only narrow or revoke it.")


def _limits(key: ApiKey, creator: ApiKey) -> Iterator[tuple[str, SafeString | str]]:
    """Yield the settings of which the creator has less, with what the key may use."""
    if not key.scope_set <= creator.scope_set:
        yield "scopes", _chips_or_none(sorted(key.scope_set & creator.scope_set))
    if key.can_issue_tokens and not creator.can_issue_tokens:
        yield "can_issue_tokens", str(_("no"))
    if creator.expires_at is not None and ends_later(key.expires_at, creator.expires_at):
        yield "expires_at", moment(creator.expires_at)
    if not networks.are_within(key.allowed_ips, creator.allowed_ips):
        yield "allowed_ips", _chips_or_none(_common_networks(key, creator))


def _common_networks(key: ApiKey, creator: ApiKey) -> list[str]:
    # Of two networks that overlap, one lies within the other.
    own = [text for text in key.allowed_networks if networks.are_within(text, creator.allowed_ips)]
    creators = [
        text for text in creator.allowed_networks if networks.are_within(text, key.allowed_ips)
    ]
    return list(dict.fromkeys(own + creators))


def _chips_or_none(texts: list[str]) -> SafeString | str:
    return chips(texts) if texts else str(_("none"))


def _label(name: str) -> str:
    return str(ApiKey._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
