"""Check that the wheel contains exactly the package's files, and that it works alone.

Usage: wheel_smoke.py DIST SOURCES

The script installs the wheel of the folder DIST into a new environment, without an extra. A project
of two files then migrates its database, creates a key and exchanges it. A key pair needs the extra
`asymmetric`, and the message says so.
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

SETTINGS = """
SECRET_KEY = "for-this-test-only-" * 3
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
STATIC_URL = "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "rest_framework",
    "tot_jwt",
]
"""

URLS = """
from django.urls import include, path

urlpatterns = [
    path("auth/", include("tot_jwt.urls")),
    path(".well-known/", include("tot_jwt.well_known_urls")),
]
"""

EXCHANGE = """
import importlib.util, io, json
import django
django.setup()
from django.core.management import call_command
from django.test import Client

def command(*arguments):
    output = io.StringIO()
    call_command("tot_jwt", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())

command("create_domain", "example.com")
key = command("create_key", "example.com", "--name", "smoke")
credentials = {name: key[name] for name in ("appDomain", "totApiKey", "totSecretKey")}
client = Client()
issued = client.post("/auth/token", credentials, content_type="application/json")
assert issued.status_code == 200, issued.content
authorization = "Bearer " + issued.json()["token"]
verified = client.get("/auth/token", headers={"Authorization": authorization})
assert verified.status_code == 200, verified.content
assert verified.json()["valid"] is True, verified.content
refused = client.get("/auth/token", headers={"Authorization": authorization[:-9]})
assert refused.status_code == 401, refused.content
jwks = client.get("/.well-known/jwks.json")
assert (jwks.status_code, jwks.json()) == (200, {"keys": []}), jwks.content
assert importlib.util.find_spec("cryptography") is None
print("The wheel works alone.")
"""

KEY_PAIR = """
import io
import django
django.setup()
from django.core.management import CommandError, call_command
from django.test.utils import override_settings

def error_of(name, *arguments):
    try:
        call_command(name, *arguments, stdout=io.StringIO())
    except CommandError as error:
        return str(error)

# It is not read: the package that could read it is missing.
pem = "-----BEGIN " + "PRIVATE KEY-----"
with override_settings(TOT_JWT={"ALGORITHM": "ES256", "SIGNING_KEY": pem}):
    check = error_of("check")
command = error_of("tot_jwt", "create_signing_key")
for message in (check, command):
    assert message and "Install tot-jwt[asymmetric]." in message, message
print("A key pair needs the extra.")
"""


def same_files(wheel: Path, sources: Path) -> None:
    """Exit unless the wheel contains the files of the sources and its metadata, and no others."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    written = {
        path.relative_to(sources.parent).as_posix()
        for path in sources.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if packed != written:
        sys.exit(
            f"Only in the sources: {sorted(written - packed)}. "
            f"Only in the wheel: {sorted(packed - written)}."
        )


def main(dist: Path, sources: Path) -> None:
    """Check, install and run the wheel."""
    (wheel,) = dist.resolve().glob("*.whl")
    same_files(wheel, sources)
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder, "venv"), with_pip=True)
        python = Path(folder, "venv", "bin", "python")
        project = Path(folder, "project")
        project.mkdir()
        (project / "settings.py").write_text(SETTINGS, encoding="utf-8")
        (project / "urls.py").write_text(URLS, encoding="utf-8")

        def run(*arguments: str) -> None:
            environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings"}
            subprocess.run([python, *arguments], cwd=project, env=environment, check=True)

        run("-m", "pip", "install", "--quiet", str(wheel))
        run("-m", "django", "check", "--fail-level", "WARNING")
        run("-m", "django", "migrate", "--verbosity", "0")
        run("-c", EXCHANGE)
        run("-c", KEY_PAIR)


main(*map(Path, sys.argv[1:]))
