"""Import the existing keys of an operator: all keys of a file in one transaction, or none."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import BinaryIO

from django.db import IntegrityError, connections, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import csv_file
from tot_jwt.keys.csv_row import BadRow, Candidate
from tot_jwt.keys.record import SYSTEM, Actor, differences, new_event, send
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, write_alias
from tot_jwt.signals import key_event

#: Rows that go to the database together.
BATCH = 1000
#: Reading stops after this many bad rows, unless bad rows are skipped.
MAX_BAD_ROWS = 100

TAKEN = _("public: This key already exists, in the database or earlier in the file.")


@dataclass
class Report:
    """The result of an import."""

    #: Whether bad rows are skipped. If they are not, one bad row means that nothing is imported.
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
        """Whether the file was not read to its end because of bad rows."""
        return self.is_refused and len(self.bad_rows) >= MAX_BAD_ROWS


def import_keys(
    file: BinaryIO,
    *,
    skip_bad: bool = False,
    allow_weak: bool = False,
    by: Actor = SYSTEM,
    progress: Callable[[int], object] = lambda imported: None,
    batch_size: int = BATCH,
) -> Report:
    """Import the keys of a CSV file (see `tot_jwt.keys.csv_file`), and create missing domains.

    One bad row stops the import, unless `skip_bad`. `progress` is called after each batch, with
    the number of keys so far.
    Raises InvalidValue if the file cannot be read to its end. Then nothing is imported, even
    with `skip_bad`.
    """
    report = Report(skip_bad)
    alias = write_alias()
    try:
        with (
            closing(_candidates(file, allow_weak, report)) as candidates,
            transaction.atomic(using=alias),
        ):
            while batch := list(islice(candidates, batch_size)):
                _store(batch, by, alias, report)
                progress(report.imported)
            if report.is_refused:
                report.imported = report.domains_created = 0
                transaction.set_rollback(True, using=alias)
    except IntegrityError as error:
        message = _("Another process created one of the keys or domains. Import the file again.")
        raise InvalidValue(message) from error
    report.bad_rows.sort()
    return report


def _candidates(file: BinaryIO, allow_weak: bool, report: Report) -> Generator[Candidate]:
    """Yield the good rows, and add the bad ones to the report."""
    with closing(csv_file.read(file, allow_weak=allow_weak)) as rows:
        for row in rows:
            if isinstance(row, Candidate):
                yield row
            else:
                report.bad_rows.append(row)
            if report.is_cut_short:
                return


def _store(batch: Sequence[Candidate], by: Actor, alias: str, report: Report) -> None:
    """Insert the keys of the batch, the missing domains, and the events of both.

    No process can have cached the state of a key that did not exist, so none is dropped.
    """
    new = _not_taken(batch, alias, report)
    app_domains = _app_domains({candidate.domain for candidate in new}, by, alias, report)
    for candidate in new:
        candidate.key.app_domain = app_domains[candidate.domain]
        candidate.key.created_by = by.user
    keys = [candidate.key for candidate in new]
    ApiKey.objects.using(alias).bulk_create(keys)
    ids = _ids(keys, alias)
    KeyEvent.objects.using(alias).bulk_create(_event(key, ids[key.public_key], by) for key in keys)
    report.imported += len(keys)
    _send_later(Q(key__in=list(ids.values()), action=KeyEvent.Action.IMPORTED), alias)


def _event(key: ApiKey, key_id: int, by: Actor) -> KeyEvent:
    changes = differences(None, key)
    for name in ("disabled_at", "revoked_at"):
        if moment := getattr(key, name):
            changes[name] = [None, moment.isoformat()]
    return new_event(KeyEvent.Action.IMPORTED, key.app_domain, by, key_id=key_id, changes=changes)


def _not_taken(batch: Sequence[Candidate], alias: str, report: Report) -> list[Candidate]:
    # The unique index of MySQL and MariaDB ignores case.
    normal = str.lower if connections[alias].vendor == "mysql" else str
    public_keys = [candidate.key.public_key for candidate in batch]
    found = ApiKey.objects.using(alias).filter(public_key__in=public_keys)
    taken = {normal(public_key) for public_key in found.values_list("public_key", flat=True)}
    new = []
    for candidate in batch:
        public_key = normal(candidate.key.public_key)
        if public_key in taken:
            report.bad_rows.append(BadRow(candidate.line, str(TAKEN)))
        else:
            taken.add(public_key)
            new.append(candidate)
    return new


def _app_domains(names: set[str], by: Actor, alias: str, report: Report) -> Mapping[str, AppDomain]:
    existing = AppDomain.objects.using(alias).filter(domain__in=names)
    found = {app_domain.domain: app_domain for app_domain in existing}
    missing = sorted(names - found.keys())
    if missing:
        AppDomain.objects.using(alias).bulk_create(AppDomain(domain=domain) for domain in missing)
        report.domains_created += len(missing)
        # Not every database returns the new ids.
        found = {app_domain.domain: app_domain for app_domain in existing.all()}
        _record_domains([found[domain] for domain in missing], by, alias)
    return found


def _record_domains(created: Sequence[AppDomain], by: Actor, alias: str) -> None:
    action = KeyEvent.Action.DOMAIN_CREATED
    KeyEvent.objects.using(alias).bulk_create(
        new_event(action, app_domain, by, changes=differences(None, app_domain))
        for app_domain in created
    )
    _send_later(Q(app_domain__in=[each.pk for each in created], action=action), alias)


def _ids(keys: Sequence[ApiKey], alias: str) -> dict[str, int]:
    public_keys = [key.public_key for key in keys]
    rows = ApiKey.objects.using(alias).filter(public_key__in=public_keys)
    return dict(rows.values_list("public_key", "pk"))


def _send_later(selected: Q, alias: str) -> None:
    """Send `key_event` for the selected events when the transaction commits."""
    transaction.on_commit(partial(_send, selected, alias), using=alias, robust=True)


def _send(selected: Q, alias: str) -> None:
    if key_event.has_listeners(KeyEvent):
        events = KeyEvent.objects.using(alias).filter(selected)
        send(events.select_related("app_domain", "key").order_by("pk"))
