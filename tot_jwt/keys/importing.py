"""Bring in the keys that an operator has already: all of a file in one transaction, or none."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import BinaryIO

from django.db import IntegrityError, connections, router, transaction
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import csv_file as key_file
from tot_jwt.keys.csv_file import BadRow, Candidate
from tot_jwt.keys.record import SYSTEM, Actor, differences
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.signals import key_event
from tot_jwt.utils import clock

#: How many rows go to the database together.
BATCH = 1000
#: After so many bad rows a file that is not going to be imported is read no further.
MAX_BAD_ROWS = 100

TAKEN = _("public: There is such a key already, or further up in the file.")


@dataclass
class Report:
    """What came of an import."""

    #: Whether bad rows were skipped. Where they were not, and there are some, nothing was imported.
    skip_bad: bool
    imported: int = 0
    domains_created: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was imported because of bad rows."""
        return bool(self.bad_rows) and not self.skip_bad

    @property
    def is_cut_short(self) -> bool:
        """Whether so much was bad that the file was not read to its end."""
        return self.is_refused and len(self.bad_rows) >= MAX_BAD_ROWS


def import_keys(
    file: BinaryIO,
    *,
    skip_bad: bool = False,
    allow_weak: bool = False,
    by: Actor = SYSTEM,
    progress: Callable[[int], object] = lambda imported: None,
) -> Report:
    """Import the keys of a CSV file (see `tot_jwt.key_file`), and create the domains that there are not yet.

    A bad row stops the import of all, unless `skip_bad`. `progress` is called with the number of keys so far.
    Raises InvalidValue where the file, or all from some line on, cannot be read; then nothing was imported, whatever
    `skip_bad` says.
    """
    report = Report(skip_bad)
    alias = router.db_for_write(ApiKey)
    try:
        with (
            closing(_candidates(file, allow_weak, report)) as candidates,
            transaction.atomic(using=alias),
        ):
            while batch := list(islice(candidates, BATCH)):
                _store(batch, by, alias, report)
                progress(report.imported)
            if report.is_refused:
                report.imported = report.domains_created = 0
                transaction.set_rollback(True, using=alias)
    except IntegrityError as error:
        raise InvalidValue(
            _("Somebody else created one of the keys or domains at this moment.")
        ) from error
    report.bad_rows.sort()
    return report


def _candidates(file: BinaryIO, allow_weak: bool, report: Report) -> Generator[Candidate]:
    """The good rows; the bad ones go into the report."""
    with closing(key_file.read(file, allow_weak=allow_weak)) as rows:
        for row in rows:
            if isinstance(row, Candidate):
                yield row
            else:
                report.bad_rows.append(row)
            if report.is_cut_short:
                return


def _store(batch: Sequence[Candidate], by: Actor, alias: str, report: Report) -> None:
    """Insert the keys of the batch and their events.

    Nobody can have remembered the state of a key that there was not, so there is nothing to drop.
    """
    new = _not_taken(batch, alias, report)
    app_domains = _app_domains({candidate.domain for candidate in new}, alias, report)
    for candidate in new:
        candidate.key.app_domain = app_domains[candidate.domain]
        candidate.key.created_by = by.user
    keys = [candidate.key for candidate in new]
    ApiKey.objects.using(alias).bulk_create(keys)
    ids = _ids(keys, alias)
    KeyEvent.objects.using(alias).bulk_create(
        KeyEvent(
            app_domain=key.app_domain,
            key_id=ids[key.public_key],
            action=KeyEvent.Action.IMPORTED,
            at=clock.now(),
            user=by.user,
            actor=by.name,
            jti=by.jti,
            address=by.address,
            changes=differences(None, key),
        )
        for key in keys
    )
    report.imported += len(keys)
    transaction.on_commit(partial(_send, list(ids.values()), alias), using=alias, robust=True)


def _not_taken(batch: Sequence[Candidate], alias: str, report: Report) -> list[Candidate]:
    # The unique index of MySQL and MariaDB compares without case.
    normal = str.lower if connections[alias].vendor == "mysql" else str
    named = [candidate.key.public_key for candidate in batch]
    found = (
        ApiKey.objects.using(alias)
        .filter(public_key__in=named)
        .values_list("public_key", flat=True)
    )
    taken = {normal(public_key) for public_key in found}
    new = []
    for candidate in batch:
        public_key = normal(candidate.key.public_key)
        if public_key in taken:
            report.bad_rows.append(BadRow(candidate.line, str(TAKEN)))
        else:
            taken.add(public_key)
            new.append(candidate)
    return new


def _app_domains(names: set[str], alias: str, report: Report) -> Mapping[str, AppDomain]:
    existing = AppDomain.objects.using(alias).filter(domain__in=names)
    found = {app_domain.domain: app_domain for app_domain in existing}
    missing = sorted(names - found.keys())
    if missing:
        AppDomain.objects.using(alias).bulk_create(AppDomain(domain=domain) for domain in missing)
        report.domains_created += len(missing)
        # Not every database says which ids it gave.
        found = {app_domain.domain: app_domain for app_domain in existing.all()}
    return found


def _ids(keys: Sequence[ApiKey], alias: str) -> dict[str, int]:
    named = ApiKey.objects.using(alias).filter(public_key__in=[key.public_key for key in keys])
    return dict(named.values_list("public_key", "pk"))


def _send(key_ids: Sequence[int], alias: str) -> None:
    """Send `key_event` for the import of these keys."""
    if key_event.has_listeners(KeyEvent):
        events = KeyEvent.objects.using(alias).filter(
            key_id__in=key_ids, action=KeyEvent.Action.IMPORTED
        )
        for event in events.select_related("app_domain", "key").order_by("pk"):
            key_event.send_robust(sender=KeyEvent, event=event)
