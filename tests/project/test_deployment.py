"""The example in production form, and docs/deployment.md."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.support.documents import ROOT, blocks, links, read, section, table

PAGE = read("docs/deployment.md")
VARIABLES = {row[0].strip("`") for row in table(section(PAGE, "Environment variables"))}
PRODUCTION = {
    "SECRET_KEY": "for-this-test-only-" * 3,
    "ALLOWED_HOSTS": "api.example.com",
    "ISSUER": "https://api.example.com",
    "CACHE_URL": "redis://127.0.0.1:1/0",
    "TRUSTED_PROXIES": "1",
    "PYTHONWARNINGS": "ignore",
}
#: Print status, media type, location and body of GET requests, as JSON lines.
ASK = """
import json, sys, django
django.setup()
from django.test import Client
from django.urls import path
import example_project.urls
def broken(request): return 1 / 0
example_project.urls.urlpatterns.append(path("broken", broken))
client = Client(raise_request_exception=False)
for url, headers in json.load(sys.stdin):
    answer = client.get(url, headers=headers)
    body = answer.getvalue().decode()
    shown = [answer.status_code, answer.headers.get("Content-Type"), answer.headers.get("Location")]
    print(json.dumps([*shown, body]))
"""
PROXY = {"Host": "api.example.com", "X-Forwarded-Proto": "https"}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs Python in production form, on a file as its database."""

    def run(*arguments, sent="", **variables):
        inherited = {name: os.environ[name] for name in os.environ.keys() - VARIABLES}
        own = {
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
            "STATIC_ROOT": str(tmp_path / "static"),
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**inherited, **own, **PRODUCTION, **variables},
            input=sent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def ask(run):
    """Return a function that sends GET requests, and returns the answers and the log."""

    def ask(*requests, **variables):
        done = run("-c", ASK, sent=json.dumps(requests), **variables)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return ask


def test_page_shows_the_real_files():
    for language, name in [("dockerfile", "Dockerfile"), ("yaml", "compose.yaml")]:
        assert read(f"example_project/{name}") in blocks(PAGE, language)
    operations = blocks(read("docs/operations.md"), "python")
    assert read("example_project/logs.py") in operations
    assert read("example_project/probes.py") in operations


def test_table_lists_all_variables():
    settings = read("example_project/settings.py")
    used = set(re.findall(r'(?:environ\.get|env\.\w+)\(\s*"([A-Z_]+)"', settings))
    compose = read("example_project/compose.yaml")
    passed = set(re.findall(r"^    ([A-Z_]+): ", compose.partition("services:")[0], re.MULTILINE))

    assert used | {"WEB_CONCURRENCY"} == VARIABLES
    assert passed <= VARIABLES
    assert {"DATABASE_URL", "SECRET_KEY"} <= passed


def test_links_lead_to_existing_files():
    assert [name for name in links(PAGE) if not (ROOT / "docs" / name).exists()] == []


def test_deployment_checks_find_nothing(run):
    pytest.importorskip("redis")

    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr


def test_missing_production_variables_are_reported(run):
    assert "security.W008" in run("manage.py", "check", "--deploy", HTTPS="false").stderr
    assert "SECRET_KEY" in run("manage.py", "check", SECRET_KEY="").stderr
    assert "tot_jwt.W018" in run("manage.py", "check", "--deploy", ISSUER="").stderr


def test_production_serves_the_admins_styles(run, ask):
    pytest.importorskip("whitenoise")
    assert run("manage.py", "collectstatic", "--no-input").returncode == 0

    [[status, _, _, page]], _ = ask(["/admin/login/", PROXY])
    [url] = re.findall(r"/static/admin/css/base\.[^.]+\.css", page)
    [[found, media_type, _, style]], _ = ask([url, PROXY])

    assert (status, found) == (200, 200)
    assert media_type.startswith("text/css")
    assert "body" in style


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_production_log_has_the_traceback(ask, log_format):
    pytest.importorskip("whitenoise")

    [[status, _, _, page]], log = ask(["/broken", PROXY], LOG_FORMAT=log_format)

    assert status == 500
    assert "ZeroDivisionError" not in page
    assert log.count("ZeroDivisionError: division by zero") == 1
    assert ("\n  File " in log) is (log_format == "text")


def test_probes_need_no_host_or_https(ask):
    pytest.importorskip("whitenoise")
    foreign = {"Host": "10.0.0.7:8000"}

    answers, _ = ask(["/healthz", foreign], ["/readyz", foreign], ["/", foreign], ["/", PROXY])

    assert [status for status, *_ in answers] == [200, 200, 400, 200]


def test_json_log_hides_the_query(ask):
    pytest.importorskip("whitenoise")

    _, log = ask(["/broken?totSecretKey=sk_live_in_query", PROXY], LOG_FORMAT="json")

    assert "ZeroDivisionError" in log
    assert "sk_live_in_query" not in log


def test_access_log_lacks_the_query():
    [command] = re.findall("^CMD (.+)$", read("example_project/Dockerfile"), re.MULTILINE)
    [log_format] = [part for part in json.loads(command) if "--access-logformat" in part]

    assert "%(U)s" in log_format
    assert not {"%(r)s", "%(q)s", "%(f)s"} & set(re.findall(r"%\(\w\)s", log_format))


def test_image_creates_a_home_folder():
    assert "useradd --system --create-home" in read("example_project/Dockerfile")


def test_allowed_hosts_may_have_spaces(ask):
    pytest.importorskip("whitenoise")
    hosts = "api.example.com, www.example.com ,"

    answers, _ = ask(["/", {**PROXY, "Host": "www.example.com"}], ALLOWED_HOSTS=hosts)

    assert answers[0][0] == 200


def test_unready_probe_logs_one_line(ask):
    pytest.importorskip("whitenoise")
    pytest.importorskip("psycopg")

    answers, log = ask(["/readyz", {}], DATABASE_URL="postgres://a:b@127.0.0.1:1/c")

    [line] = [line for line in log.splitlines() if "Not ready: " in line]
    assert answers[0][0] == 503
    assert line.endswith("TCP/IP connections?")


def test_readiness_requires_the_database(ask):
    pytest.importorskip("whitenoise")

    answers, log = ask(["/healthz", {}], ["/readyz", {}], DATABASE_URL="sqlite:////missing/db")

    assert [status for status, *_ in answers] == [200, 503]
    assert "Not ready: unable to open database file" in log


def test_http_is_redirected_to_https(ask):
    pytest.importorskip("whitenoise")
    plain = {"Host": "api.example.com"}

    [redirected], _ = ask(["/", plain])
    [trial], _ = ask(["/", plain], HTTPS="false")
    [unproven], _ = ask(["/", PROXY], TRUSTED_PROXIES="0")

    assert redirected[0::2][:2] == [301, "https://api.example.com/"]
    assert trial[0] == 200
    assert unproven[0] == 301  # without a proxy, a client cannot claim HTTPS


def test_start_page_lists_real_endpoints(ask):
    pytest.importorskip("whitenoise")
    [page, data], _ = ask(["/", PROXY], ["/", {**PROXY, "Accept": "application/json"}])
    paths = [endpoint["path"] for endpoint in json.loads(data[3])["endpoints"]]

    # Swagger UI needs the files that collectstatic collects.
    answers, _ = ask(*[[path, PROXY] for path in paths if path != "/api/docs/"])

    assert page[1].startswith("text/html")
    assert all(path in page[3] for path in [*paths, "/admin/", "docs/deployment.md"])
    assert "curl -i -X POST https://api.example.com/api/internal/auth/token" in page[3]
    assert {status for status, *_ in answers} == {200, 401, 405}  # OAuth's take POST only
