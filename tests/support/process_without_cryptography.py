"""A process in which the package cryptography is not installed.

Usage: ``python -m tests.support.process_without_cryptography KEY``, a key in PEM. It prints what
the default settings do, and then what the checks and the endpoint say about the key.
"""

import os
import sys
from typing import Any

import django
from django.conf import settings


class Missing:
    """An import hook for which no module of cryptography exists."""

    def find_spec(self, name: str, *_: Any) -> None:
        """Raise ImportError for the package and what is in it."""
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    """Use secrets, then a key pair."""
    sys.meta_path.insert(0, Missing())
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "TOT_JWT_TEST_DB": "sqlite"}
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIGRATION_MODULES = dict.fromkeys(["admin", "auth", "contenttypes", "sessions"])
    quiet = {"level": "CRITICAL"}
    settings.LOGGING = {"version": 1, "loggers": {"django.request": quiet, "tot_jwt": quiet}}
    django.setup()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.test import Client

    from tests.support.checks import messages
    from tests.support.requests import JSON, TOKEN_URL, bearer, body
    from tot_jwt.keys import create_domain, create_key

    call_command("migrate", run_syncdb=True, verbosity=0)
    key, secret = create_key(create_domain("example.com"), name="A key")
    key.secret = secret.reveal()  # type: ignore[attr-defined]
    client = Client()
    token = client.post(TOKEN_URL, body(key), content_type=JSON).json()["token"]
    show("verified", client.get(TOKEN_URL, headers=bearer(token)).status_code)
    show("checks", [message.id for message in messages()])
    show("jwks", client.get("/.well-known/jwks.json").json())
    settings.TOT_JWT = {"ALGORITHM": "ES256", "SIGNING_KEY": sys.argv[1]}
    show("checks", [f"{message.id}: {message.msg}" for message in messages()])
    try:
        client.post(TOKEN_URL, body(key), content_type=JSON)
    except ImproperlyConfigured as error:
        show("exchange", error)
    try:
        call_command("tot_jwt", "create_signing_key")
    except CommandError as error:
        show("command", error)


def show(what: str, value: object) -> None:
    """Print a line."""
    sys.stdout.write(f"{what}: {value}\n")


if __name__ == "__main__":
    main()
