"""tot_jwt.contrib.prometheus: what it counts, in which processes, and docs/metrics.md."""

import importlib
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.urls import path
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

import tot_jwt.contrib.prometheus
from tests.support.documents import ROOT, blocks, read, section, table
from tests.support.faults import database_gone
from tests.support.keys_client import client_of
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tot_jwt import signals
from tot_jwt.access.limits import Limit
from tot_jwt.models import KeyEvent

APP = "tot_jwt.contrib.prometheus"
DOCUMENT = read("docs/metrics.md")
DASHBOARD = json.loads(read("docs/grafana/tot-jwt.json"))

#: Metric → its label and the values that are there from the start.
METRICS = {
    "tot_jwt_tokens_issued_total": ("", ()),
    "tot_jwt_exchanges_rejected_total": ("reason", signals.REJECTION_REASONS),
    "tot_jwt_access_refused_total": ("reason", signals.REFUSAL_REASONS),
    "tot_jwt_requests_throttled_total": ("limit", tuple(Limit)),
    "tot_jwt_database_unavailable_total": ("", ()),
    "tot_jwt_key_changes_total": ("action", tuple(KeyEvent.Action.values)),
}


@pytest.fixture
def installed(settings):
    """Install the app. Its counters live as long as the process, so tests compare differences."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    yield
    metrics = importlib.import_module(f"{APP}.metrics")
    for signal, receiver in metrics.RECEIVERS.items():
        signal.disconnect(receiver)


@pytest.fixture
def counted(installed):
    """Return a function that returns how far each time series has grown since its last call."""
    before = samples()

    def grown():
        nonlocal before
        old, before = before, samples()
        return {
            key: value - old.get(key, 0) for key, value in before.items() if value != old.get(key)
        }

    return grown


def samples():
    """Return (metric, value of its label) → value, for the metrics of tot_jwt."""
    return samples_of(REGISTRY.collect())


def samples_of(families):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        if family.name.startswith("tot_jwt_")
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def run(mode, directory=None):
    """Return the output of a process with metrics, whose counters are in this directory."""
    variables = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory or "")}
    if directory is None:
        del variables["PROMETHEUS_MULTIPROC_DIR"]
    command = [sys.executable, "-m", "tests.support.process_metrics", mode]
    ran = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    return ran.stdout


# Counters


def test_tokens_and_rejections_are_counted(make_key, post_token, client, counted):
    key = make_key()
    counted()

    post_token(key)
    post_token(key, totSecretKey="wrong")
    client.post("/me", body(key, totSecretKey="wrong"), content_type=JSON)
    client.get(TOKEN_URL, headers=bearer("not a token"))

    assert counted() == {
        ("tot_jwt_tokens_issued_total",): 1,
        ("tot_jwt_exchanges_rejected_total", "wrong_secret"): 1,
        ("tot_jwt_access_refused_total", "wrong_secret"): 1,
        ("tot_jwt_access_refused_total", "token_malformed"): 1,
    }


def test_throttled_requests_are_counted(make_key, post_token, settings, counted):
    settings.TOT_JWT = {"EXCHANGE_RATE": "1/min"}
    key = make_key()
    counted()

    assert [post_token(key).status_code for _ in range(3)] == [200, 429, 429]
    assert counted() == {
        ("tot_jwt_tokens_issued_total",): 1,
        ("tot_jwt_requests_throttled_total", "exchanges_of_a_key"): 2,
    }


def test_unavailable_database_is_counted(make_key, post_token, counted):
    key = make_key()
    counted()

    with database_gone():
        assert post_token(key).status_code == 503
    assert counted() == {("tot_jwt_database_unavailable_total",): 1}


@pytest.mark.django_db(transaction=True)
def test_key_changes_are_counted(make_key, counted):
    key = make_key()
    api = client_of(key)
    counted()

    created = api.create().json()["totApiKey"]
    api.change(created, name="Other")
    api.revoke(created)

    assert counted() == {
        ("tot_jwt_key_changes_total", action): 1 for action in ("created", "changed", "revoked")
    }


def test_second_setup_counts_once(make_key, post_token, counted):
    key = make_key()
    apps.get_app_config("tot_jwt_prometheus").ready()
    counted()

    post_token(key)

    assert counted() == {("tot_jwt_tokens_issued_total",): 1}


def test_labels_hold_no_public_key(make_key, post_token, counted):
    key = make_key()
    for members in ({}, {"totApiKey": "zebra"}, {"appDomain": "zebra.example"}):
        post_token(key, **members)

    text = str(samples())
    private = (key.public_key, key.app_domain.domain, "127.0.0.1", "zebra")
    assert [value for value in private if value in text] == []


# Processes


def test_series_begin_with_zero():
    series = samples_of(text_string_to_metric_families(run("start")))

    assert series == {
        key: 0
        for name, (label, values) in METRICS.items()
        for key in ([(name, value) for value in values] if label else [(name,)])
    }


def test_processes_count_together(tmp_path):
    series = samples_of(text_string_to_metric_families(run("processes", tmp_path)))

    assert series["tot_jwt_tokens_issued_total",] == 3
    assert series["tot_jwt_key_changes_total", "created"] == 1
    assert series["tot_jwt_exchanges_rejected_total", "wrong_secret"] == 0


def test_failing_counter_changes_no_response(tmp_path):
    directory = tmp_path / "metrics"
    directory.mkdir()

    assert run("broken", directory) == "200\n"


def test_missing_directory_is_named(installed, monkeypatch, tmp_path):
    app, file = apps.get_app_config("tot_jwt_prometheus"), tmp_path / "file"
    file.touch()

    for directory in (tmp_path / "missing", file, ""):
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
        with pytest.raises(ImproperlyConfigured, match=f"DIR is '{directory}', which is not a dir"):
            app.ready()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    app.ready()


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ImproperlyConfigured, match=r"Install tot-jwt\[prometheus\]"):
        importlib.reload(tot_jwt.contrib.prometheus)


# The documentation

INSTALLATION, VIEW = blocks(DOCUMENT, "python")
HOST: dict[str, Any] = {"__name__": "host"}
exec(compile(VIEW, "docs/metrics.md", "exec"), HOST)  # noqa: S102 - our own text
urlpatterns = [path("metrics", HOST["metrics"])]


def test_documented_app_is_installed():
    assert APP in INSTALLATION


@pytest.mark.urls("tests.contrib.test_prometheus")
def test_documented_view_serves_metrics(installed, client, settings):
    settings.METRICS_TOKEN = "a token"
    granted = client.get("/metrics", headers={"Authorization": "Bearer a token"})
    sent = ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer é\x00"})

    assert [client.get("/metrics", headers=headers).status_code for headers in sent] == [403] * 3
    assert granted.headers["Content-Type"].startswith("text/plain; version=")
    served = samples_of(text_string_to_metric_families(granted.content.decode()))
    assert {name for name, *_ in served} == set(METRICS)


@pytest.mark.urls("tests.contrib.test_prometheus")
def test_documented_view_needs_no_database(installed, client, settings, monkeypatch):
    settings.METRICS_TOKEN = "a token"
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    headers = {"Authorization": "Bearer a token"}

    # Without the mark django_db, pytest-django fails each query and each transaction.
    assert client.get("/metrics", headers=headers).status_code == 200


def test_documented_metrics_are_all():
    rows = table(section(DOCUMENT, "Metrics"))

    assert {name.strip("`"): label.strip("`") for name, label, _ in rows} == {
        name: label for name, (label, _) in METRICS.items()
    }


@pytest.mark.parametrize(
    ("title", "listed"),
    [
        ("Reasons of rejected exchanges", signals.REJECTION_REASONS),
        ("Reasons of refused access", signals.REFUSAL_REASONS),
        ("Limits", Limit),
    ],
)
def test_documented_values_are_all(title, listed):
    rows = table(section(DOCUMENT, title))
    codes = [code for codes, _ in rows for code in re.findall("`([a-z_]+)`", codes)]

    assert sorted(codes) == sorted(listed)


SELECTOR = re.compile(r"\b(tot_jwt_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def unknown_selectors(query):
    """Return the metrics, labels and values of a PromQL query that do not exist."""
    unknown = []
    for name, matchers in SELECTOR.findall(query):
        label, values = METRICS.get(name, (None, ()))
        for key, operator, value in MATCHER.findall(matchers):
            pattern = value if operator == "=~" else re.escape(value)
            if key != "job" and (key != label or not any(re.fullmatch(pattern, v) for v in values)):
                unknown.append(f"{name}{{{key}{operator}{value}}}")
        unknown += [] if label is not None else [name]
    unknown += [
        by for by in re.findall(r"by \((\w+)\)", query) if by not in ("reason", "limit", "action")
    ]
    return unknown


def dashboard_queries():
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_queries_name_existing_metrics():
    alerts = "\n".join(blocks(DOCUMENT, "yaml"))
    used = {name for query in dashboard_queries() for name, _ in SELECTOR.findall(query)}

    assert {name for name, _ in SELECTOR.findall(alerts)} <= set(METRICS)
    assert unknown_selectors(alerts) == []
    assert [unknown_selectors(query) for query in dashboard_queries()] == [[]] * len(
        dashboard_queries()
    )
    assert used == set(METRICS)


def test_check_of_queries_finds_mistakes():
    query = 'tot_jwt_x_total + tot_jwt_access_refused_total{reason=~"zebra.*",limit="x"}'

    assert len(unknown_selectors(f"sum by (address) ({query})")) == 4


def test_dashboard_can_be_imported():
    panels = DASHBOARD["panels"]
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}

    assert (DASHBOARD["id"], DASHBOARD["uid"], DASHBOARD["title"]) == (None, "tot-jwt", "tot-jwt")
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert variables == {"datasource", "job"}
