"""Logging that a host's handlers cannot disturb, and that guesses cannot fill."""

import logging

import pytest

from tot_jwt.utils.logs import Pacer, log_fields, one_line


@pytest.mark.req("E3")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\r\nb\x1b\x7f\0", "a  b   "),
        ("\u2028é\ud800", "\\u2028\\xe9\\ud800"),
        ("x" * 200, "x" * 128),
    ],
)
def test_text_becomes_one_line(text, shown):
    assert one_line(text) == shown


@pytest.mark.req("E10")
def test_fields_are_also_in_extra(caplog):
    log_fields(logging.WARNING, "Refused: %(who)s", {"who": "a\nb"})

    [record] = caplog.records
    assert record.getMessage() == "Refused: a b"
    assert record.who == "a b"
    assert record.module == "test_logs"


@pytest.mark.req("E10")
def test_level_decides_what_is_logged(caplog):
    caplog.set_level(logging.WARNING, logger="tot_jwt")
    log_fields(logging.INFO, "Refused: %(who)s", {"who": "a"})

    assert caplog.records == []


@pytest.mark.req("D9")
def test_pacer_lets_one_through_a_minute(pass_time):
    pacer = Pacer()
    due = []
    for _ in range(5):
        due += [pacer.is_due(), pacer.is_due()]
        pass_time(30)

    assert due == [True, False, False, False, True, False, False, False, True, False]
    pacer.reset()
    assert pacer.is_due()
