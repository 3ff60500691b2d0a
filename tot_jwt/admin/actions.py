"""The actions on domains and keys: the functions of `tot_jwt.keys` with their texts."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.confirmation import Action, Effect
from tot_jwt.keys import (
    disable_key,
    enable_key,
    end_previous_secret,
    end_tokens,
    release_key,
    resume_domain,
    revoke_key,
    suspend_domain,
)
from tot_jwt.models import ApiKey, ApiKeyQuerySet, AppDomain
from tot_jwt.rules.status import endings, status_of


def created_elsewhere(keys: Sequence[ApiKey]) -> ApiKeyQuerySet:
    """Return the keys that live inside these keys, except those among them."""
    created: ApiKeyQuerySet = ApiKey.objects.created_with(keys).with_related()
    return created.exclude(pk__in=[key.pk for key in keys]).order_by("pk")


def usable_elsewhere(keys: Sequence[ApiKey]) -> Iterable[ApiKey]:
    """Return the keys that live inside these keys and work now."""
    return [key for key in created_elsewhere(keys) if key.is_usable]


def usable_alone(keys: Iterable[ApiKey]) -> Iterable[ApiKey]:
    """Return the keys that only their creators stop."""
    return [
        key
        for key in keys
        if not key.is_usable
        and status_of(endings(key, None, key.app_domain.suspended_at)).is_usable
    ]


DOMAIN_ACTIONS = (
    Action[AppDomain](
        name="suspend_domains",
        permission="change",
        menu=_("Suspend selected %(verbose_name_plural)s"),
        button=_("Suspend"),
        question=_("Are you sure you want to suspend the selected app domains?"),
        consequence=_(
            "All keys and tokens of these domains stop working until you resume the domains."
        ),
        log_message=_("Suspended"),
        apply=suspend_domain,
        applies_to=lambda app_domain: not app_domain.is_suspended,
    ),
    Action[AppDomain](
        name="resume_domains",
        permission="change",
        menu=_("Resume selected %(verbose_name_plural)s"),
        button=_("Resume"),
        question=_("Are you sure you want to resume the selected app domains?"),
        consequence=_("The keys and tokens of these domains work again."),
        log_message=_("Resumed"),
        apply=resume_domain,
        applies_to=lambda app_domain: app_domain.is_suspended,
    ),
)


def _may_disable(key: ApiKey) -> bool:
    """Return whether disabling the key changes it: its creator may enable it again until then."""
    return key.disabled_at is None or (key.has_creator and key.restricted_at is None)


KEY_ACTIONS = (
    Action[ApiKey](
        name="disable_keys",
        permission="change",
        menu=_("Disable selected %(verbose_name_plural)s"),
        button=_("Disable"),
        question=_("Are you sure you want to disable the selected API keys?"),
        consequence=_("These keys and their tokens stop working until you enable the keys again."),
        log_message=_("Disabled"),
        apply=disable_key,
        applies_to=lambda key: key.revoked_at is None and _may_disable(key),
        effect=Effect(
            title=_("These created keys stop too"),
            explanation=_(
                "Clients created them with tokens of the keys above. "
                "They work again when you enable their creators."
            ),
            rows=usable_elsewhere,
        ),
    ),
    Action[ApiKey](
        name="enable_keys",
        permission="change",
        menu=_("Enable selected %(verbose_name_plural)s"),
        button=_("Enable"),
        question=_("Are you sure you want to enable the selected API keys?"),
        consequence=_(
            "These keys, their tokens and the keys that they created work again, "
            "unless something else stops them, such as their expiry or their creator."
        ),
        log_message=_("Enabled"),
        apply=enable_key,
        applies_to=lambda key: key.revoked_at is None and key.disabled_at is not None,
    ),
    Action[ApiKey](
        name="release_keys",
        permission="change",
        menu=_("Release selected %(verbose_name_plural)s"),
        button=_("Release"),
        question=_("Are you sure you want to release the selected API keys from their creators?"),
        consequence=_(
            "Each key then stands alone, with all its own scopes, addresses and expiry. "
            "What happens to its creator no longer affects it. "
            "It no longer has the rate limit of its creator. This cannot be undone."
        ),
        log_message=_("Released"),
        apply=release_key,
        applies_to=lambda key: key.revoked_at is None and key.has_creator,
        effect=Effect(
            title=_("These keys work again"),
            explanation=_(
                "Only their creators stop them now: these are revoked, disabled or expired."
            ),
            rows=usable_alone,
        ),
        is_permanent=True,
    ),
    Action[ApiKey](
        name="end_previous_secrets",
        permission="rotate",
        menu=_("End the previous secret of selected %(verbose_name_plural)s"),
        button=_("End the previous secret now"),
        question=_("Are you sure you want to end the previous secret of the selected API keys?"),
        consequence=_(
            "The older of the two secrets stops working immediately. "
            "The newer one and all tokens keep working."
        ),
        log_message=_("Previous secret ended"),
        apply=end_previous_secret,
        applies_to=lambda key: key.previous_secret_is_live,
    ),
    Action[ApiKey](
        name="end_tokens",
        permission="rotate",
        menu=_("End all tokens of selected %(verbose_name_plural)s"),
        button=_("End all tokens"),
        question=_("Are you sure you want to end all tokens of the selected API keys?"),
        consequence=_(
            "All tokens of these keys stop working immediately. "
            "The secrets keep working, and clients can get new tokens with them."
        ),
        log_message=_("Tokens ended"),
        apply=end_tokens,
        applies_to=lambda key: key.revoked_at is None,
    ),
    Action[ApiKey](
        name="revoke_keys",
        permission="revoke",
        menu=_("Revoke selected %(verbose_name_plural)s"),
        button=_("Revoke"),
        question=_("Are you sure you want to revoke the selected API keys?"),
        consequence=_(
            "These keys and their tokens stop working immediately and permanently. "
            "This cannot be undone."
        ),
        log_message=_("Revoked"),
        apply=revoke_key,
        applies_to=lambda key: key.revoked_at is None,
        effect=Effect(
            title=_("These created keys end too"),
            explanation=_(
                "Clients created them with tokens of the keys above. "
                "To keep one of them, release it first."
            ),
            rows=created_elsewhere,
        ),
        is_permanent=True,
    ),
)
