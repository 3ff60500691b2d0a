"""The pytest plugin and docs/testing.md, in sessions of pytest as other projects have them."""

import os
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

from tests.support.documents import ROOT, blocks, read

PAGE = read("docs/testing.md")

HOST = """
import pytest
from django.db import connection


@pytest.fixture
def limited(tot_jwt_client):
    return tot_jwt_client(rate_limit="1/day", public_key="pk_live_the_same")


@pytest.fixture
def failing_teardown():
    yield
    raise KeyError


# Each uses up the limit of the same key.
@pytest.mark.parametrize("number", range(2))
def test_limited(limited, failing_teardown, number):
    assert [limited.get("/api/limited").status_code for _ in range(2)] == [200, 429]


def test_commits(transactional_db, tot_jwt_client):
    assert not connection.in_atomic_block
    assert tot_jwt_client().get("/api/orders").status_code == 200


def test_rolls_back(tot_jwt_client):
    assert connection.in_atomic_block
"""

OTHER_PROJECT = """
import sys


def test_django_is_not_imported():
    assert not {"django", "rest_framework", "tot_jwt.testing"} & set(sys.modules)


def test_client_needs_pytest_django(tot_jwt_client):
    pass


def test_unused_django_is_left_alone():
    from django.apps import apps  # not set up


def test_app_is_not_installed():
    import django
    from django.conf import settings

    settings.configure()
    django.setup()


def test_package_is_not_imported():
    assert "tot_jwt.testing" not in sys.modules
"""


@pytest.fixture
def run_pytest(tmp_path):
    """``run_pytest(code, …)``: run a test module; return the numbers of outcomes, and the text."""

    def run(code, *options, **variables):
        (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
        (tmp_path / "test_host.py").write_text(code)
        names = ("DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS", "COV_CORE_SOURCE")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "test_host.py"],
            env={**environment, "PYTHONPATH": str(ROOT), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        outcomes = re.findall(r"(\d+) (passed|failed|errors?)", done.stdout.splitlines()[-1])
        return Counter({name.rstrip("s"): int(number) for number, name in outcomes}), done.stdout

    return run


IN_HOST = ("--ds=tests.support.process_host_settings",)


def is_runnable(block):
    """Return whether the plugin that the block needs is installed."""
    return "mark.asyncio" not in block or find_spec("pytest_asyncio") is not None


def test_examples_of_page_pass(run_pytest):
    code = "\n".join(filter(is_runnable, blocks(PAGE, "python")))

    outcomes, text = run_pytest(code, *IN_HOST)

    assert outcomes == {"passed": len(re.findall(r"def test_", code))}, text


def test_host_gets_clients_and_resets(run_pytest):
    outcomes, text = run_pytest(HOST, *IN_HOST, "-p", "no:randomly")

    assert outcomes == {"passed": 4, "error": 2}, text


def test_other_projects_do_not_notice(run_pytest):
    outcomes, text = run_pytest(
        OTHER_PROJECT, "-p", "tot_jwt.contrib.pytest", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )

    assert outcomes == {"passed": 4, "error": 1}, text
    assert "E       fixture 'db' not found" in text
    assert "`db` is a fixture of pytest-django, which tot_jwt_client needs." in text


def test_page_leads_to_its_headings():
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in headings]

    assert re.findall(r"\]\(#([^)]+)\)", PAGE) == anchors
