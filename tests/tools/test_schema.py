"""Tools that read the schema of the example: Schemathesis, and browsers in production."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.schema_server import ROOT, environment, running_example
from tests.tools.packages import needed

needed("schemathesis")

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")

#: Fetch the page, and each file that it names.
FETCH = """
import re
from django.test import Client
client = Client(headers={"Host": "127.0.0.1"})
page = client.get("/api/docs/")
files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
print(page.status_code, *(f"{client.get(file).status_code} {file}" for file in files), sep="\\n")
"""


def run(*command, folder=ROOT, **variables):
    """Run a program in the environment of the example."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_schemathesis_finds_nothing(tmp_path):
    with running_example(tmp_path / "demo.sqlite3") as example:
        variables = {
            "SCHEMATHESIS_HOOKS": "tests.support.schema_hooks",
            "TOT_JWT_SCHEMA_URL": example.url,
            "TOT_JWT_SCHEMA_KEYS": json.dumps(example.keys),
            "TOT_JWT_SCHEMA_EXPIRY": f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        schema = f"{example.url}/api/schema/?format=json"
        done = run(
            *("-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run", schema),
            folder=tmp_path,
            database=tmp_path / "demo.sqlite3",
            **variables,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    [tested] = re.findall(r"Tested: (\d+)", done.stdout)
    [covered] = re.findall(r"API Links: +(\d+) covered", done.stdout)
    assert int(tested) >= 23
    assert int(covered) >= 3


def test_production_serves_swagger_ui(tmp_path):
    variables = {
        "SECRET_KEY": "for-this-test-only-" * 3,
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "0",
        "STATIC_ROOT": str(tmp_path / "static"),
    }
    database = tmp_path / "demo.sqlite3"
    collected = run("manage.py", "collectstatic", "--no-input", database=database, **variables)

    fetched = run("manage.py", "shell", "-v", "0", "-c", FETCH, database=database, **variables)

    assert (collected.returncode, fetched.returncode) == (0, 0), collected.stderr + fetched.stderr
    page, *files = fetched.stdout.split("\n")[:-1]
    assert page == "200"
    assert len(files) >= 3
    for file in files:
        assert re.match(r"200 /static/\S+\.[0-9a-f]{12}\.(css|js|png)$", file)
