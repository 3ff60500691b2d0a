"""What the list and the page of a key show."""

from datetime import datetime

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import LifecycleAdmin
from tot_jwt.admin.creator import creator_text, limits_text
from tot_jwt.admin.display import (
    chips,
    clipped_code,
    code,
    explained_badge,
    hint,
    labeled,
    moment,
    status_badges,
    two_secrets_badge,
    use_of_previous_secret,
)
from tot_jwt.models import ApiKey


class KeyColumns(LifecycleAdmin[ApiKey]):
    """The computed columns and read-only fields of a key."""

    @admin.display(description=_("API key"), ordering="name")
    def name_and_public_key(self, key: ApiKey) -> SafeString:
        """Return the name and, below it, the public key and the end of the secret."""
        return format_html(
            '<div><span class="tot-name">{}</span> <span class="tot-under">{} {}</span></div>',
            key.name,
            code(key.public_key),
            hint(key),
        )

    @admin.display(description=_("status"))
    def status_and_secrets(self, key: ApiKey) -> SafeString:
        """Return the status for the list, why it is so, and how long the key has two secrets."""
        return status_badges(key)

    @admin.display(description=_("status"))
    def status(self, key: ApiKey) -> SafeString:
        """Return the status for the key's page, and why it is so."""
        return explained_badge(key)

    @admin.display(description=_("domain and environment"), ordering="app_domain__domain")
    def domain_and_environment(self, key: ApiKey) -> SafeString:
        """Return the domain for the list and, below it, the environment."""
        return format_html(
            '<div>{} <span class="tot-note">{}</span></div>',
            clipped_code(key.app_domain.domain),
            key.get_environment_display(),
        )

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, key: ApiKey) -> SafeString:
        """Return when the key was last used."""
        return _moment_or_never(_("last used"), key.last_used_at)

    @admin.display(description=_("expires"), ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString:
        """Return when the key expires by itself."""
        return _moment_or_never(_("expires"), key.expires_at)

    @admin.display(description=_("public key"), ordering="public_key")
    def public_key_text(self, key: ApiKey) -> SafeString:
        """Return the public key for the key's page."""
        return code(key.public_key)

    @admin.display(description=_("secret"))
    def secret(self, key: ApiKey) -> SafeString | str:
        """Return the end of the secret."""
        return hint(key)

    @admin.display(description=_("previous secret"))
    def previous_secret(self, key: ApiKey) -> SafeString:
        """Return how long the previous secret works, and when it was used."""
        return format_html("{} {}", two_secrets_badge(key), use_of_previous_secret(key))

    @admin.display(description=_("limited by its creator to"))
    def limits(self, key: ApiKey) -> SafeString | str:
        """Return the rights that the key has inside its creator, if it has more by itself."""
        return limits_text(key)

    @admin.display(description=_("created by key"))
    def creator(self, key: ApiKey) -> SafeString | None:
        """Return the key that created this key, with a link to its page."""
        creator = key.created_by_key
        if creator is None:
            return None
        return creator_text(key, creator, self.admin_url("change", creator.pk))

    @admin.display(description=_("created keys"))
    def created_keys(self, key: ApiKey) -> SafeString | str:
        """Return the number of keys that this key created, with a link to their list."""
        count = key.created_keys.count()
        if not count:
            return "0"
        url = self.admin_url("changelist")
        return format_html('<a href="{}?created_by_key__id__exact={}">{}</a>', url, key.pk, count)

    @admin.display(description=_("scopes"))
    def all_scopes(self, key: ApiKey) -> SafeString:
        """Return the scopes for the page of a key that cannot be changed."""
        return chips(sorted(key.scope_set))

    @admin.display(description=_("allowed addresses"))
    def networks(self, key: ApiKey) -> SafeString | str:
        """Return the networks for the page of a key that cannot be changed."""
        return chips(key.allowed_networks)


def _moment_or_never(label: object, at: datetime | None) -> SafeString:
    return labeled(label, _("never") if at is None else moment(at))
