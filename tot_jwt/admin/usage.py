"""How often a key was used: a chart and a table of the last 30 days, on the key's page."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tot_jwt.admin.base import LifecycleAdmin
from tot_jwt.keys.usage import of_key
from tot_jwt.models import ApiKey, KeyUsage
from tot_jwt.utils import clock

DAYS = 30
#: In pixels, of the bars and of the space above them.
HEIGHT, HEADROOM = 120, 8
#: In pixels, so that one refused request shows beside a million accepted ones.
LEAST_HEIGHT = 3
#: The part of a day's width that its bar fills.
BAR_WIDTH = 0.75

_DAY = 24 * 3600


class Part(NamedTuple):
    """The accepted or the refused requests of a bar, in pixels from the top."""

    y: str
    height: str


class Day(NamedTuple):
    """The requests of a day (UTC)."""

    date: date
    accepted: int
    refused: int

    @property
    def total(self) -> int:
        """All requests of the day."""
        return self.accepted + self.refused


class Chart:
    """A stacked bar for each day. Lengths are texts: no language may give them a comma."""

    width = f"{100 / DAYS:.3f}%"
    bar_width = f"{100 / DAYS * BAR_WIDTH:.3f}%"
    base = HEADROOM + HEIGHT
    grid = (HEADROOM, HEADROOM + HEIGHT // 2, HEADROOM + HEIGHT)

    def __init__(self, days: list[Day]) -> None:
        self._days = days
        self.top = _round_up(max(day.total for day in days))
        self.scale = (self.top, self.top // 2, 0)

    def bars(self) -> Iterator[dict[str, Any]]:
        """Yield the day, the place and the parts of each bar."""
        for number, day in enumerate(self._days):
            accepted, refused = self._height(day.accepted), self._height(day.refused)
            yield {
                "day": day,
                "left": f"{100 / DAYS * number:.3f}%",
                "bar_left": f"{100 / DAYS * (number + (1 - BAR_WIDTH) / 2):.3f}%",
                "accepted": _part(self.base, accepted),
                "refused": _part(self.base - accepted, refused),
            }

    def labels(self) -> list[tuple[str, str, date]]:
        """Return where the first, a middle and the last date stand."""
        first, middle, last = self._days[0], self._days[DAYS // 2], self._days[-1]
        center = f"{100 / DAYS * (DAYS // 2 + 0.5):.3f}%"
        return [
            ("0", "start", first.date),
            (center, "middle", middle.date),
            ("100%", "end", last.date),
        ]

    def _height(self, number: int) -> float:
        return max(LEAST_HEIGHT, HEIGHT * number / self.top) if number else 0


class UsageAdmin(LifecycleAdmin[ApiKey]):
    """The read-only field that shows how often a key was used."""

    @admin.display(description=_("last 30 days"))
    def usage_by_day(self, key: ApiKey) -> SafeString:
        """Return the chart and the table, or that there is nothing to show."""
        days = _last_days(key)
        used = [day for day in days if day.total]
        context = {
            "days": used,
            "chart": Chart(days) if used else None,
            "first": days[0].date,
            "last": days[-1].date,
            "accepted": sum(day.accepted for day in used),
            "refused": sum(day.refused for day in used),
        }
        return render_to_string("admin/tot_jwt/usage.html", context)


def _last_days(key: ApiKey) -> list[Day]:
    """Return each of the last days, today included, the oldest first."""
    today = int(clock.epoch()) // _DAY
    days = range(today - DAYS + 1, today + 1)
    hours = of_key(key.public_key, days.start * _DAY, days.stop * _DAY)
    return list(_by_day(days, hours))


def _by_day(days: range, hours: Iterable[KeyUsage]) -> Iterator[Day]:
    accepted: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for hour in hours:
        accepted[hour.at // _DAY] += hour.accepted
        refused[hour.at // _DAY] += hour.refused
    for day in days:
        at = datetime.fromtimestamp(day * _DAY, UTC)
        yield Day(at.date(), accepted[day], refused[day])


def _round_up(number: int) -> int:
    """Return the next number that is easy to read, and whose half is a whole number."""
    power: int = 10 ** (len(str(number)) - 1)
    return next(top for top in (power * digit for digit in (2, 4, 6, 8, 10)) if top >= number)


def _part(bottom: float, height: float) -> Part | None:
    return Part(f"{bottom - height:.1f}", f"{height:.1f}") if height else None
