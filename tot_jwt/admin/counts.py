"""How many keys an action concerns: the confirmation page says it before anything changes."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import ngettext

from tot_jwt.models import ApiKey, AppDomain, KeyStatus
from tot_jwt.rules.status import status_q

#: What still stops a key whose domain works.
_STOPPED = (KeyStatus.REVOKED, KeyStatus.DISABLED, KeyStatus.EXPIRED)


def concerned_keys(rows: Sequence[Any], further: Iterable[Any]) -> list[str]:
    """Return sentences with the number of keys that an action on these rows concerns."""
    if isinstance(rows[0], AppDomain):
        return _keys_of_domains(rows)
    keys: list[ApiKey] = [*rows, *further]
    return [_total(len(keys)), _working(sum(key.is_usable for key in keys), len(keys))]


def _keys_of_domains(app_domains: Sequence[AppDomain]) -> list[str]:
    """Return the counts for domains that are all suspended, or all not."""
    works = Q(*[~status_q(status) for status in _STOPPED])
    counts = ApiKey.objects.filter(app_domain__in=[row.pk for row in app_domains]).aggregate(
        total=Count("pk"), usable=Count("pk", filter=works)
    )
    total, usable = counts["total"], counts["usable"]
    if not total:
        return [_total(total)]
    is_suspended = app_domains[0].is_suspended
    return [_total(total), _reviving(usable, total) if is_suspended else _working(usable, total)]


def _total(count: int) -> str:
    text = ngettext("This concerns %(count)d API key.", "This concerns %(count)d API keys.", count)
    return text % {"count": count}


def _working(count: int, total: int) -> str:
    if not count:
        return ngettext("It does not work now.", "They do not work now.", total)
    if count == total:
        return ngettext("It works now.", "All of them work now.", total)
    text = ngettext("%(count)d of them works now.", "%(count)d of them work now.", count)
    return text % {"count": count}


def _reviving(count: int, total: int) -> str:
    if not count:
        return ngettext("It does not work then.", "They do not work then.", total)
    if count == total:
        return ngettext("It works again.", "All of them work again.", total)
    text = ngettext("%(count)d of them works again.", "%(count)d of them work again.", count)
    return text % {"count": count}
