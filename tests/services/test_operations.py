"""Restarts, clocks, signing keys, and the code blocks of docs/operations.md."""

import logging.config
from datetime import timedelta
from itertools import pairwise

import pytest
import time_machine
from django.utils import timezone

from tests.support.process_faults import GOOD, ask, documented, process, sqlite
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


def test_documented_logging_shows_issued_tokens(make_key, make_token, capsys, monkeypatch):
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    try:
        logging.config.dictConfig(documented(1)["LOGGING"])
        make_token(make_key())
    finally:
        root.setLevel(level)  # setLevel also clears the loggers' cached levels

    assert "Token issued: " in capsys.readouterr().err


def test_documented_receiver_keeps_events(make_domain, caplog, django_capture_on_commit_callbacks):
    caplog.set_level("INFO", logger="key_events")
    keep = documented(2)["keep"]
    try:
        with django_capture_on_commit_callbacks(execute=True):
            key, _ = lifecycle.create_key(make_domain(), name="One")
            suspend_domain(key.app_domain)
    finally:
        key_event.disconnect(keep)
    assert f"created {key.public_key} by system" in caplog.text
    assert f"suspended {key.app_domain} by system" in caplog.text
