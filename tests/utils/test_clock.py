"""Times in text."""

from datetime import UTC, datetime

from tot_jwt.utils.clock import rfc3339


def test_time_is_written_as_documented():
    moment = datetime(2025, 10, 29, 18, 38, 22, 999_999, tzinfo=UTC)

    assert rfc3339(moment.timestamp()) == "2025-10-29T18:38:22.000Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(253_402_300_799) == "9999-12-31T23:59:59.000Z"
