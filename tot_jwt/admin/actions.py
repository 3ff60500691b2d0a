"""What people do to domains and keys in the admin: each a use case of `tot_jwt.lifecycle`, in words."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import Action
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import resume_domain, suspend_domain
from tot_jwt.models import ApiKey, AppDomain


def created_keys(keys: Iterable[ApiKey]) -> list[ApiKey]:
    """The keys that these created, and theirs, unless they are revoked: those that a cascade reaches."""
    level = {key.pk for key in keys}
    known, found = set(level), []
    while level:
        created = ApiKey.objects.filter(created_by_key__in=level, revoked_at=None).select_related(
            "app_domain"
        )
        new = [key for key in created.order_by("pk") if key.pk not in known]
        level = {key.pk for key in new}
        known |= level
        found += new
    return found


DOMAIN_ACTS = (
    Action[AppDomain](
        name="suspend_domains",
        permission="change",
        menu=_("Suspend selected %(verbose_name_plural)s"),
        button=_("Suspend"),
        question=_("Suspend app domains?"),
        consequence=_(
            "All keys and tokens of these domains stop working until the domains are resumed."
        ),
        record=_("Suspended"),
        apply=suspend_domain,
        applies=lambda app_domain: not app_domain.is_suspended,
    ),
    Action[AppDomain](
        name="resume_domains",
        permission="change",
        menu=_("Resume selected %(verbose_name_plural)s"),
        button=_("Resume"),
        question=_("Resume app domains?"),
        consequence=_("The keys and tokens of these domains work again."),
        record=_("Resumed"),
        apply=resume_domain,
        applies=lambda app_domain: app_domain.is_suspended,
    ),
)

KEY_ACTS = (
    Action[ApiKey](
        name="disable_keys",
        permission="change",
        menu=_("Disable selected %(verbose_name_plural)s"),
        button=_("Disable"),
        question=_("Disable API keys?"),
        consequence=_("These keys and their tokens stop working until the keys are enabled again."),
        record=_("Disabled"),
        apply=lifecycle.disable_key,
        applies=lambda key: key.revoked_at is None and key.disabled_at is None,
    ),
    Action[ApiKey](
        name="enable_keys",
        permission="change",
        menu=_("Enable selected %(verbose_name_plural)s"),
        button=_("Enable"),
        question=_("Enable API keys?"),
        consequence=_("These keys and their tokens work again, unless they have expired."),
        record=_("Enabled"),
        apply=lifecycle.enable_key,
        applies=lambda key: key.revoked_at is None and key.disabled_at is not None,
    ),
    Action[ApiKey](
        name="end_previous_secrets",
        permission="rotate",
        menu=_("End the old secret of selected %(verbose_name_plural)s"),
        button=_("End the old secret now"),
        question=_("End old secrets?"),
        consequence=_(
            "Of their two secrets, the older one stops working at once. The new one and all tokens stay."
        ),
        record=_("Old secret ended"),
        apply=lifecycle.end_previous_secret,
        applies=lambda key: key.previous_secret_is_live,
    ),
    Action[ApiKey](
        name="end_tokens",
        permission="rotate",
        menu=_("End all live tokens of selected %(verbose_name_plural)s"),
        button=_("End all live tokens"),
        question=_("End all live tokens?"),
        consequence=_(
            "All tokens of these keys stop working at once. The secrets stay and fetch new tokens."
        ),
        record=_("Tokens ended"),
        apply=lifecycle.end_tokens,
        applies=lambda key: key.revoked_at is None,
    ),
    Action[ApiKey](
        name="revoke_keys",
        permission="revoke",
        menu=_("Revoke selected %(verbose_name_plural)s"),
        button=_("Revoke"),
        question=_("Revoke API keys?"),
        consequence=_(
            "These keys and their tokens stop working at once and for ever. This cannot be undone."
        ),
        record=_("Revoked"),
        apply=lifecycle.revoke_key,
        applies=lambda key: key.revoked_at is None,
        also=created_keys,
        is_final=True,
    ),
)
