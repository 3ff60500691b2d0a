"""The client is for programs without Django."""

import subprocess
import sys

import pytest

from tot_jwt import client

PROGRAM = """
import sys
{imports}
names = {{name.partition(".")[0] for name in sys.modules}}
ours = {{name for name in sys.modules if name.startswith("tot_jwt.")}}
print(sorted(names & {{"django", "rest_framework", "jwt", "httpx", "requests"}}))
print(sorted(name for name in ours if not name.startswith("tot_jwt.client")))
"""


@pytest.mark.parametrize(
    ("imports", "libraries"),
    [
        ("import tot_jwt.client", []),
        ("import tot_jwt.client.httpx", ["httpx"]),
        ("import tot_jwt.client.requests", ["requests"]),
    ],
)
def test_client_imports_only_its_library(imports, libraries):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )

    assert run.stdout == f"{libraries}\n[]\n"


def test_exceptions_have_one_root():
    for name in client.__all__:
        assert issubclass(getattr(client, name), client.TokenError)
