"""Restarts, clocks, signing keys, and the code blocks of docs/operations.md."""

import json
import logging.config
import sys
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from time import monotonic
from types import ModuleType

import pytest
import time_machine
from django.utils import timezone

from tests.support.documents import blocks, read
from tests.support.process_faults import GOOD, UNAVAILABLE, ask, documented, process, sqlite
from tests.support.processes import PREFIX, driver
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.models import ApiKey
from tot_jwt.signals import key_event


def test_restarted_application_loses_nothing(file, file_key):
    with process(sqlite(file), max_age=3600) as app:
        token = app.token(file_key)
        child = app.send("POST", "/keys", token, {"name": "Child", "scopes": []})[1]
        child_token = app.token(child)
        assert app.send("DELETE", f"/keys/{child['totApiKey']}", token) == (204, None)
    with process(sqlite(file), max_age=3600) as app:
        assert app.accepts(token)
        assert not app.accepts(child_token)
        assert ask(app, file_key) == GOOD


@pytest.mark.req("A10")
@pytest.mark.parametrize(("ahead", "status"), [(10, 200), (60, 401)])
def test_clock_may_be_ten_seconds_ahead(make_key, make_token, get_token, ahead, status):
    key, now = make_key(), timezone.now()
    with time_machine.travel(now + timedelta(seconds=ahead), tick=False):
        token = make_token(key)
    key_state.reset()
    with time_machine.travel(now, tick=False):
        assert get_token(token).status_code == status


OLD = "old" * 20
NEW = "new" * 20


@pytest.mark.parametrize(
    "steps",
    [
        [
            {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": []},
            {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": [NEW]},
            {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": [OLD]},
            {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": []},
        ],
        [
            {"TOT_JWT": {"SIGNING_KEY": OLD}},
            {"TOT_JWT": {"SIGNING_KEY": OLD, "VERIFYING_KEYS": [NEW]}},
            {"TOT_JWT": {"SIGNING_KEY": NEW, "VERIFYING_KEYS": [OLD]}},
            {"TOT_JWT": {"SIGNING_KEY": NEW}},
        ],
    ],
    ids=["SECRET_KEY", "SIGNING_KEY"],
)
def test_signing_key_changes_step_by_step(make_key, make_token, get_token, settings, steps):
    key = make_key()

    def accepts(step, token):
        put(step)
        return get_token(token).status_code == 200

    def put(step):
        for name, value in step.items():
            setattr(settings, name, value)

    tokens = []
    for step in steps:
        put(step)
        tokens.append(make_token(key))

    for (before, old_token), (after, new_token) in pairwise(zip(steps, tokens, strict=True)):
        assert accepts(before, new_token)
        assert accepts(after, old_token)
    assert not accepts(steps[0], tokens[-1])
    assert not accepts(steps[-1], tokens[0])


def test_new_signing_key_ends_revived_tokens(make_key, make_token, get_token, settings):
    key = make_key()
    token = make_token(key)
    [backup] = ApiKey.objects.filter(pk=key.pk).values()
    lifecycle.revoke_key(key)
    assert get_token(token).status_code == 401

    ApiKey.objects.filter(pk=key.pk).update(**backup)
    key_state.reset()
    assert get_token(token).status_code == 200

    settings.TOT_JWT = {"SIGNING_KEY": NEW}
    assert get_token(token).status_code == 401


@contextmanager
def logging_as(settings):
    """Apply LOGGING meanwhile."""
    root, package = logging.getLogger(), logging.getLogger("tot_jwt")
    before = (root.level, root.handlers[:], package.level)
    try:
        logging.config.dictConfig(settings)
        yield
    finally:
        root.handlers[:] = before[1]
        root.setLevel(before[0])  # setLevel also clears the loggers' cached levels
        package.setLevel(before[2])


def run_blocks(*numbers):
    """Return the names that several blocks of the page define, one after another."""
    found, names = blocks(read("docs/operations.md"), "python"), {}
    for number in numbers:
        exec(found[number], names)  # noqa: S102
    return names


def test_documented_text_log_has_fields(make_key, make_token, capsys):
    key = make_key()
    with logging_as(documented(2)["LOGGING"]):
        make_token(key)

    line = capsys.readouterr().err.splitlines()[-1]
    day, _, level, name, message = line.split(" ", 4)
    assert day == str(timezone.now().date())
    assert (level, name) == ("INFO", "tot_jwt")
    assert message.startswith("Token issued: ")
    assert key.public_key in message


def test_documented_json_log_has_fields(make_key, make_token, capsys, monkeypatch):
    names = run_blocks(2, 3, 4)
    module = ModuleType("project.logs")
    module.JsonFormatter = names["JsonFormatter"]
    monkeypatch.setitem(sys.modules, "project", ModuleType("project"))
    monkeypatch.setitem(sys.modules, "project.logs", module)
    sys.modules["project"].logs = module
    key = make_key()
    with logging_as(names["LOGGING"]):
        make_token(key)
        try:
            int("one\ntwo")
        except ValueError:
            logging.getLogger("host").exception("Broken")

    issued, broken = map(json.loads, capsys.readouterr().err.splitlines())
    assert (issued["level"], issued["logger"]) == ("INFO", "tot_jwt")
    assert issued["public_key"] == key.public_key
    assert issued["jti"]
    assert issued["time"].startswith(str(timezone.now().date()))
    assert broken["traceback"].endswith(r"with base 10: 'one\ntwo'")


@pytest.mark.services
@pytest.mark.req("D2")
def test_documented_pool_gives_503_soon(postgresql, databases, key):
    driver("psycopg_pool")
    pooled = run_blocks(0, 1)["POOLED"]
    options = {**pooled["OPTIONS"], "pool": {**pooled["OPTIONS"]["pool"], "max_size": 1}}
    assert options["pool"]["timeout"] < 5
    settings = {"default": {**databases["default"], **pooled, "OPTIONS": options}}
    with process(settings) as app:
        assert ask(app, key) == GOOD
        postgresql.stop()
        try:
            began = monotonic()
            assert ask(app, key) == UNAVAILABLE
            assert ask(app, key) == UNAVAILABLE
            assert monotonic() - began < 20  # the driver's default waits 30 seconds
        finally:
            postgresql.start()
        sent = {name: key[name] for name in ("appDomain", "totApiKey", "totSecretKey")}
        assert app.answers_before_long((200, None), "POST", f"{PREFIX}/token", None, sent)


def test_documented_receiver_keeps_events(make_domain, caplog, django_capture_on_commit_callbacks):
    caplog.set_level("INFO", logger="key_events")
    keep = documented(5)["keep"]
    try:
        with django_capture_on_commit_callbacks(execute=True):
            key, _ = lifecycle.create_key(make_domain(), name="One")
            suspend_domain(key.app_domain)
    finally:
        key_event.disconnect(keep)
    assert f"created {key.public_key} by system" in caplog.text
    assert f"suspended {key.app_domain} by system" in caplog.text
