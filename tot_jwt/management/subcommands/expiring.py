"""The subcommand that notifies owners of expiring API keys."""

from argparse import ArgumentParser
from typing import Any

from tot_jwt.keys.expiring import THRESHOLDS, Notice, notify_expiring
from tot_jwt.management import text
from tot_jwt.management.actors import operator
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    number_of_days,
)
from tot_jwt.utils.clock import rfc3339

COLUMNS = {
    "PUBLIC KEY": "totApiKey",
    "DAYS": "days",
    "EXPIRES": "expiresAt",
    "DOMAIN": "appDomain",
    "CONTACT": "contact",
}


class NotifyExpiring(Subcommand):
    """The subcommand ``notify_expiring``. It exits with 1 if a message could not be sent."""

    name = "notify_expiring"
    help = (
        "Notify owners of expiring keys: send an e-mail to the contact of each key's domain, or to "
        "ADMINS if it has none. Each key is named once for each threshold. Run it daily."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the time to look ahead, and the thresholds."""
        defaults = " ".join(map(str, THRESHOLDS))
        parser.add_argument(
            "--within",
            type=number_of_days,
            metavar="DAYS",
            help="Days to look ahead (default: the greatest threshold). "
            "If greater than all thresholds, it is a threshold too.",
        )
        parser.add_argument(
            "--threshold",
            type=number_of_days,
            action="extend",
            nargs="+",
            metavar="DAYS",
            help=f"Days before the expiry at which to notify (default: {defaults}).",
        )

    def run(self, options: Options) -> Document:
        """Send the messages and return who was notified of which keys."""
        report = notify_expiring(
            within=options["within"],
            thresholds=options["threshold"] or THRESHOLDS,
            by=operator(),
        )
        if not options["as_json"]:
            for failure in report.failed:
                options["tell"](f"{failure.notice.key.public_key}: {failure.reason}")
        return {
            "notified": [_document(notice) for notice in report.notified],
            "failed": [
                {**_document(failure.notice), "reason": failure.reason} for failure in report.failed
            ],
        }

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return one line for each key whose owner was notified."""
        rows = (
            {
                **each,
                "contact": each["contact"] or "ADMINS",
                "expiresAt": text.short_moment(each["expiresAt"]),
            }
            for each in result["notified"]
        )
        return text.table(rows, COLUMNS, heading=heading)

    def has_failed(self, result: Any) -> bool:
        """Return whether a message could not be sent."""
        return bool(result["failed"])


def _document(notice: Notice) -> Document:
    return {
        "totApiKey": notice.key.public_key,
        "appDomain": notice.key.app_domain.domain,
        "contact": notice.key.app_domain.contact,
        "days": notice.days,
        "expiresAt": rfc3339(notice.expires_at.timestamp()),
    }
