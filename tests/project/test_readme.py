"""README.md agrees with the code: its examples run, and its tables match.

The module is also the URLconf of a host that followed the README.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
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

from tests.support import documents
from tests.support.documents import ROOT, blocks, links
from tot_jwt import checks, conf, oauth_urls, urls, well_known_urls
from tot_jwt.exceptions import (
    Conflict,
    CredentialsRequired,
    EscalationRefused,
    InsufficientPermissions,
    InsufficientScope,
    InvalidFields,
    InvalidRequest,
    ResourceNotFound,
    TooManyRequests,
    TotJWTError,
)
from tot_jwt.http.oauth import MalformedScope, UnsupportedGrantType
from tot_jwt.http.oauth_errors import OAuthError
from tot_jwt.management.subcommands import SUBCOMMANDS
from tot_jwt.models import ApiKey, AppDomain

README = documents.read("README.md")


def section(title):
    return documents.section(README, title)


def table(title):
    return documents.table(section(title).partition("\n### ")[0])


def code(cell):
    return cell.strip("`")


def shop_modules() -> dict[str, ModuleType]:
    """Return the modules of the reader's own app, as far as the README imports them."""
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


def run_python_blocks() -> dict[str, Any]:
    """Return the names that the README's Python defines, block after block."""
    names: dict[str, Any] = {}
    modules = shop_modules()
    sys.modules.update(modules)
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own text
    for name in modules:
        del sys.modules[name]
    return names


HOST = run_python_blocks()

urlpatterns = [
    *(pattern for pattern in HOST["urlpatterns"] if pattern is not ...),
    path("api/orders", HOST["OrderList"].as_view()),
]


@pytest.fixture
def key(settings, make_domain, make_key):
    settings.TOT_JWT = HOST["TOT_JWT"]
    return make_key(app_domain=make_domain(domain="myapp.com"), scopes=["orders:read"])


@pytest.fixture
def call_view(make_token):
    """Return a function that calls a view of the README with a token of the key."""

    def call(view, key, method="GET", data=None):
        request = APIRequestFactory().generic(
            method,
            "/",
            json.dumps(data),
            content_type="application/json",
            headers={"Authorization": f"Bearer {make_token(key)}"},
        )
        return HOST[view].as_view()(request)

    return call


# Code


@pytest.mark.parametrize(
    ("marker", "last"), [("demo-command", "python manage.py demo"), ("test-command", "pytest")]
)
def test_marked_command_is_one_line(marker, last):
    _, _, after = README.partition(f"\n<!-- {marker} -->\n")

    assert after.startswith("```sh\n")
    (command,) = blocks(after, "sh")[0].splitlines()
    assert command.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install -e '.[")
    assert command.endswith(f" && {last}")


def test_installation_settings_pass_the_checks(settings):
    settings.TOT_JWT = HOST["TOT_JWT"]
    settings.REST_FRAMEWORK = HOST["REST_FRAMEWORK"]

    assert [app for app in HOST["INSTALLED_APPS"] if app in settings.INSTALLED_APPS] == [
        "rest_framework",
        "tot_jwt",
    ]
    assert checks.check_settings() == []
    assert checks.check_authentication_order() == []
    assert checks.check_default_permissions() == []
    assert all(map(import_string, HOST["REST_FRAMEWORK"]["DEFAULT_AUTHENTICATION_CLASSES"]))


@pytest.mark.django_db
def test_installation_commands_create_a_key(settings, capsys):
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


def test_token_view_shows_the_client(key, call_view):
    assert call_view("WhoAmI", key).data == {
        "appDomain": "myapp.com",
        "key": key.public_key,
        "scopes": ["keys:manage", "orders:read"],
    }


def test_keys_view_accepts_direct_keys(key):
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
def test_scoped_view_admits_by_method(settings, make_key, call_view, scopes, method, status):
    settings.TOT_JWT = HOST["TOT_JWT"]

    assert call_view("OrderList", make_key(scopes=scopes), method).status_code == status


@pytest.mark.parametrize(
    # 400: the permission allows the request, and the serializer requires a quantity.
    ("scope", "status"),
    [("shop.add_order", 400), ("shop.view_order", 403)],
)
def test_model_view_requires_django_permission(make_key, call_view, scope, status):
    answer = call_view("ModelOrderList", make_key(scopes=[scope]), "POST", {})

    assert answer.status_code == status


@pytest.mark.urls(__name__)
def test_example_test_passes(settings, tot_jwt_client):
    settings.TOT_JWT = HOST["TOT_JWT"]

    HOST["test_reader_cannot_place_orders"](tot_jwt_client)

    assert [key.scopes for key in ApiKey.objects.all()] == ["orders:read"]


# The walk-through


def check_same_shape(shown, answered):
    """Compare the members, and the values that do not depend on the time."""
    assert list(answered) == list(shown)
    for name in shown.keys() & {"tokenType", "expiresIn", "valid", "appDomain", "detail", "code"}:
        assert answered[name] == shown[name]


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@pytest.fixture
def placeholders(live_server, key):
    """Return the placeholders of the README's curl lines, and the values that replace them."""
    return {
        "http://127.0.0.1:8000": live_server.url,
        "pk_live_abc123...": key.public_key,
        "sk_live_xyz789...": key.secret,
    }


@pytest.fixture
def run_curl(placeholders):
    """Return a function that runs a curl line and returns the JSON that it prints."""

    def run(command):
        for placeholder, value in placeholders.items():
            command = command.replace(placeholder, value)
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    return run


@needs_curl
@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_walk_through_shows_real_answers(run_curl, placeholders, key, make_token):
    text = section("Walk through it with curl")
    get_token, use_token, verify_token = blocks(text, "sh")
    shown_token, shown_verified, shown_expired = map(json.loads, blocks(text, "json"))

    issued = run_curl(get_token)
    check_same_shape(shown_token, issued)
    assert issued["token"].startswith(shown_token["token"].removesuffix("..."))

    placeholders[shown_token["token"]] = issued["token"]
    assert run_curl(use_token) == []
    check_same_shape(shown_verified, run_curl(verify_token))

    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=15), tick=False):
        placeholders[shown_token["token"]] = make_token(key)
    assert run_curl(use_token) == run_curl(verify_token) == shown_expired


@needs_curl
@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_curl_line_creates_a_key(run_curl, placeholders, key, make_token):
    placeholders["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."] = make_token(key)
    (create_key,) = blocks(section("Manage keys with a token"), "sh")

    created = run_curl(create_key)

    assert (created["name"], created["scopes"], created["createdBy"]) == (
        "Reports",
        ["orders:read"],
        key.public_key,
    )
    assert "totSecretKey" in created


# Tables


@pytest.mark.urls(__name__)
def test_call_table_lists_every_endpoint():
    rows = [tuple(code(call).split()) for call, _ in table("Manage keys with a token")]
    views = {where: resolve(f"/api/internal/auth/{where}").func.cls for _, where in rows}
    methods = [
        (name.upper(), where) for where, view in views.items() for name in view.http_method_names
    ]

    assert len(rows) == len(set(rows))
    assert len(set(views.values())) == len(urls.urlpatterns)
    assert set(rows) == {(name, where) for name, where in methods if name != "HEAD"}


@pytest.mark.urls(__name__)
def test_oauth_table_lists_every_endpoint():
    rows = [tuple(code(call).split()) for call, _ in table("OAuth clients and other verifiers")]
    views = {where: resolve(f"/{where}").func.cls for _, where in rows}
    named = resolve("/.well-known/openid-configuration").func.cls

    # The text of a row names the second URL of the metadata.
    assert len(rows) == len(oauth_urls.urlpatterns) + len(well_known_urls.urlpatterns) - 1
    assert named in views.values()
    for method, where in rows:
        assert [name for name in views[where].http_method_names if name != "head"] == [
            method.lower()
        ]


def test_settings_table_repeats_the_code():
    rows = [
        # The defaults are our own text.
        (code(name), eval(code(default), {"timedelta": timedelta}), meaning)  # noqa: S307
        for name, default, meaning in table("Settings")
    ]

    assert rows == [(setting.name, setting.default, setting.doc) for setting in conf.SETTINGS]


def test_command_table_lists_every_option():
    rows = [code(usage) for usage, _ in table("Commands")]

    assert [usage.split()[0] for usage in rows] == [subcommand.name for subcommand in SUBCOMMANDS]
    for usage, subcommand in zip(rows, SUBCOMMANDS, strict=True):
        parser = argparse.ArgumentParser(add_help=False)
        subcommand.add_arguments(parser)
        assert options_in(usage) == options_in(parser.format_usage())


def options_in(usage):
    return re.findall(r"--[a-z-]+", usage)


def test_error_table_lists_every_response():
    rows = [(int(status), code(name)) for status, name, _, _ in table("Errors")]
    raised = [
        (kind.status, kind.code)
        for kind in subclasses(TotJWTError)
        # Errors with the root's status are not sent. EscalationRefused itself is never raised.
        if kind.status != TotJWTError.status and kind is not EscalationRefused
        # Only the OAuth endpoints raise these.
        if kind not in (MalformedScope, UnsupportedGrantType)
    ]

    assert len(rows) == len(set(rows))
    assert set(rows) == set(raised)


def test_oauth_error_table_lists_every_error():
    text = section("OAuth clients and other verifiers").partition("\n### OAuth errors\n")[2]
    rows = [
        (int(status), code(error))
        for statuses, error, _ in documents.table(text)
        for status in statuses.split(", ")
    ]
    # They take arguments, or have more than one error.
    special = [
        InsufficientPermissions("scope_not_held"),
        InsufficientScope(["orders:read"]),
        InvalidFields({"token": ["This field is required."]}),
        InvalidRequest("two_methods"),
        TooManyRequests(1),
    ]
    # Only the endpoints of keys, and views without credentials, raise these.
    others = (Conflict, CredentialsRequired, EscalationRefused, ResourceNotFound)
    errors = special + [
        kind()
        for kind in subclasses(TotJWTError)
        if kind.status != TotJWTError.status
        and not issubclass(kind, others)
        and kind not in map(type, special[1:])
    ]

    sent = {(answer.status_code, answer.detail["error"]) for answer in map(OAuthError, errors)}

    assert len(rows) == len(set(rows))
    assert set(rows) == sent


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


# Links

#: The pages of the documentation.
PAGES = [f"docs/{path.name}" for path in sorted(ROOT.glob("docs/*.md"))]

needs_checkout = pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(), reason="a source distribution lacks some of the files"
)


@needs_checkout
@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", *PAGES])
def test_links_lead_to_existing_files(name):
    folder = (ROOT / name).parent
    targets = [folder / target for target in links(documents.read(name))]

    assert [target for target in targets if not target.exists()] == []


@needs_checkout
def test_security_policy_links_a_heading():
    assert "(README.md#security-model)" in documents.read("SECURITY.md")
    assert section("Security model")


@needs_checkout
def test_documentation_names_every_page():
    assert set(PAGES) - set(links(section("Documentation"))) == set()


def test_extras_table_lists_every_extra():
    project = tomllib.loads(documents.read("pyproject.toml"))["project"]
    rows = documents.table(section("Install it into your project"))
    named = {name for cell, _ in rows for name in re.findall("`([a-z-]+)`", cell)}
    contributors = {"demo", "dev", "lint", "production", "test"}

    assert set(project["optional-dependencies"]) - contributors == named
