"""README.md: its code runs, its tables are the code's, its commands are commands.

The module is also the URLconf of a host that was made by following it.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import models
from django.test.utils import isolate_apps
from django.urls import path, resolve
from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework.test import APIRequestFactory

from tot_jwt import checks, conf, urls
from tot_jwt.exceptions import EscalationRefused, TotJWTError
from tot_jwt.http.errors import STATUS
from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.models import ApiKey, AppDomain

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(title):
    """The text under a heading of the second level."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(title):
    """The rows of a section's table; a bar within a cell is escaped."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [
        [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in rows
    ]


def code(cell):
    return cell.strip("`")


def shop() -> dict[str, ModuleType]:
    """The reader's own app, as far as the README speaks of it."""
    with isolate_apps():

        class Order(models.Model):  # noqa: DJ008
            class Meta:
                app_label = "shop"

    class OrderSerializer(serializers.Serializer[Any]):
        quantity = serializers.IntegerField()

    modules = {name: ModuleType(name) for name in ("shop", "shop.models", "shop.serializers")}
    vars(modules["shop.models"])["Order"] = Order
    vars(modules["shop.serializers"])["OrderSerializer"] = OrderSerializer
    return modules


def follow() -> dict[str, Any]:
    """What the README's Python defines, block after block."""
    names: dict[str, Any] = {}
    modules = shop()
    sys.modules.update(modules)
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own text
    for name in modules:
        del sys.modules[name]
    return names


HOST = follow()

urlpatterns = [
    *(pattern for pattern in HOST["urlpatterns"] if pattern is not ...),
    path("api/orders", HOST["OrderList"].as_view()),
]


@pytest.fixture
def key(settings, make_domain, make_key):
    settings.TOT_JWT = HOST["TOT_JWT"]
    return make_key(app_domain=make_domain(domain="myapp.com"), scopes=["orders:read"])


@pytest.fixture
def use(make_token):
    """``use(view, key, "POST")``: the view's answer to the key's token."""

    def send(view, key, method="GET", data=None, token=None):
        authorization = f"Bearer {token or make_token(key)}"
        request = APIRequestFactory().generic(
            method,
            "/",
            json.dumps(data),
            content_type="application/json",
            headers={"Authorization": authorization},
        )
        return HOST[view].as_view()(request)

    return send


# Code


@pytest.mark.parametrize("marker", ["demo-command", "test-command"])
def test_marked_command_is_one_line_that_starts_from_nothing(marker):
    _, _, after = README.partition(f"\n<!-- {marker} -->\n")

    assert after.startswith("```sh\n")
    (command,) = blocks(after, "sh")[0].splitlines()
    assert command.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install -e '.[")
    assert command.endswith(
        {"demo-command": " && python manage.py demo", "test-command": " && pytest"}[marker]
    )


def test_settings_for_the_installation_pass_the_checks(settings):
    settings.TOT_JWT = HOST["TOT_JWT"]
    settings.REST_FRAMEWORK = HOST["REST_FRAMEWORK"]

    assert [app for app in HOST["INSTALLED_APPS"] if app in settings.INSTALLED_APPS] == [
        "rest_framework",
        "tot_jwt",
    ]
    assert checks.check_settings() == []
    assert checks.check_authentication_order() == []
    assert all(map(import_string, HOST["REST_FRAMEWORK"]["DEFAULT_AUTHENTICATION_CLASSES"]))


@pytest.mark.django_db
def test_commands_of_the_installation_make_a_key(settings, capsys):
    settings.TOT_JWT = HOST["TOT_JWT"]
    (block,) = blocks(section("Install it into your project"), "sh")
    migrate, *commands = [shlex.split(line) for line in block.splitlines()]

    assert migrate == ["python", "manage.py", "migrate"]
    for command in commands:
        assert command[:2] == ["python", "manage.py"]
        call_command(*command[2:])

    assert AppDomain.objects.get().name == "My app"
    assert ApiKey.objects.get().scope_set == {"orders:read"}
    assert "totSecretKey" in capsys.readouterr().out


def test_view_with_token(key, use):
    assert use("WhoAmI", key).data == {
        "appDomain": "myapp.com",
        "key": key.public_key,
        "scopes": ["keys:manage", "orders:read"],
    }


def test_view_with_keys(key):
    headers = {
        "Tot-App-Domain": "myapp.com",
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }
    view = HOST["Person"].as_view()

    assert view(APIRequestFactory().get("/", headers=headers)).data["scopes"] == ["orders:read"]
    assert view(APIRequestFactory().get("/")).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "method", "status"),
    [
        (["orders:read"], "GET", 200),
        (["orders:read"], "POST", 403),
        (["orders:write"], "GET", 403),
        (["orders:write"], "POST", 201),
        (["orders:write"], "PUT", 403),
    ],
)
def test_view_with_scopes(settings, make_key, use, scopes, method, status):
    settings.TOT_JWT = HOST["TOT_JWT"]

    assert use("OrderList", make_key(scopes=scopes), method).status_code == status


def test_view_with_django_permissions(make_key, use):
    # 400: let in, and then asked for a quantity.
    assert use("ModelOrderList", make_key(scopes=["shop.add_order"]), "POST", {}).status_code == 400
    assert (
        use("ModelOrderList", make_key(scopes=["shop.view_order"]), "POST", {}).status_code == 403
    )


@pytest.mark.urls("tests.project.test_readme")
@pytest.mark.django_db
def test_test_of_a_view_passes():
    result = unittest.TestResult()

    unittest.defaultTestLoader.loadTestsFromTestCase(HOST["OrderListTests"]).run(result)

    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


# The walk-through


def same_shape(shown, answered):
    """The members are the same, and so are the values that do not depend on the day."""
    assert list(answered) == list(shown)
    for name in shown.keys() & {"tokenType", "expiresIn", "valid", "appDomain", "detail", "code"}:
        assert answered[name] == shown[name]


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@pytest.fixture
def placeholders(live_server, key):
    """What stands in the README's curl lines → what a reader puts there."""
    return {
        "http://127.0.0.1:8000": live_server.url,
        "pk_live_abc123...": key.public_key,
        "sk_live_xyz789...": key.secret,
    }


@pytest.fixture
def run(placeholders):
    """``run(command)``: the JSON that a curl line gets."""

    def run_command(command):
        for placeholder, value in placeholders.items():
            command = command.replace(placeholder, value)
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    return run_command


@needs_curl
@pytest.mark.urls("tests.project.test_readme")
@pytest.mark.django_db(transaction=True)
def test_walk_through(run, placeholders, key, make_token):
    text = section("Walk through it with curl")
    get_token, use_token, verify_token = blocks(text, "sh")
    shown_token, shown_verified, shown_expired = map(json.loads, blocks(text, "json"))

    issued = run(get_token)
    same_shape(shown_token, issued)
    assert issued["token"].startswith(shown_token["token"].removesuffix("..."))

    placeholders[shown_token["token"]] = issued["token"]
    assert run(use_token) == []
    same_shape(shown_verified, run(verify_token))

    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=15), tick=False):
        placeholders[shown_token["token"]] = make_token(key)
    assert run(use_token) == run(verify_token) == shown_expired


@needs_curl
@pytest.mark.urls("tests.project.test_readme")
@pytest.mark.django_db(transaction=True)
def test_token_makes_a_key(run, placeholders, key, make_token):
    placeholders["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."] = make_token(key)
    (create_key,) = blocks(section("Manage keys with a token"), "sh")

    made = run(create_key)

    assert (made["name"], made["scopes"], made["createdBy"]) == (
        "Reports",
        ["orders:read"],
        key.public_key,
    )
    assert "totSecretKey" in made


# Tables


@pytest.mark.urls("tests.project.test_readme")
def test_table_of_calls_is_the_endpoints():
    rows = [tuple(code(call).split()) for call, _ in table("Manage keys with a token")]
    views = {where: resolve(f"/api/internal/auth/{where}").func.cls for _, where in rows}
    methods = [
        (name.upper(), where) for where, view in views.items() for name in view.http_method_names
    ]

    assert len(rows) == len(set(rows))
    assert len(set(views.values())) == len(urls.urlpatterns)
    assert set(rows) == {(name, where) for name, where in methods if name != "HEAD"}


def test_table_of_settings_is_conf():
    rows = [(code(name), code(default)) for name, default, _ in table("Settings")]

    assert [name for name, _ in rows] == list(conf.names())
    for name, default in rows:
        assert eval(default, {"timedelta": timedelta}) == vars(conf.Settings)[name].default  # noqa: S307


def test_table_of_commands_is_the_command():
    rows = [code(usage) for usage, _ in table("Commands")]

    assert [usage.split()[0] for usage in rows] == [subcommand.name for subcommand in SUBCOMMANDS]
    for usage, subcommand in zip(rows, SUBCOMMANDS, strict=True):
        parser = argparse.ArgumentParser(add_help=False)
        subcommand.add_arguments(parser)
        options = [option for action in parser._actions for option in action.option_strings]
        assert re.findall(r"--[a-z-]+", usage) == options


def descendants(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def test_table_of_errors_is_what_goes_out():
    rows = [(int(status), code(name)) for status, name, _, _ in table("Errors")]
    statuses = [
        (next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS), kind.code)
        for kind in descendants(TotJWTError)
        if STATUS.keys() & set(kind.__mro__)
        and kind is not EscalationRefused  # only its kinds are raised
    ]

    assert len(rows) == len(set(rows))
    assert set(rows) == set(statuses)
