"""Moments for tests that stop the clock."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2025, 10, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
