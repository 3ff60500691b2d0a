"""``manage.py demo``: create data and keys, print curl lines and serve the example."""

import os
import socket
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from example_project.shop import demo

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Command that deletes and creates the demo's own SQLite file at each run."""

    help = "Create new demo data, print API keys and curl lines, and serve on 127.0.0.1."
    # The checks would open a database file that an earlier run may have damaged.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--port", type=_port, default=8000)
        parser.add_argument(
            "--no-serve", action="store_false", dest="serve", help="Print the curl lines and exit."
        )

    def handle(self, *, port: int, serve: bool, **options: Any) -> None:
        """Create the data, print the curl lines and serve."""
        _check_database()
        url = f"http://{HOST}:{port}"
        if serve:
            _check_port(port)
            # The metadata has the URLs of its issuer.
            settings.TOT_JWT["ISSUER"] = os.environ.get("ISSUER") or url
        _start_over()
        self._print(demo.build(url), f"{url}/admin/")
        if serve:
            call_command(
                "runserver",
                f"{HOST}:{port}",
                use_reloader=False,
                skip_checks=True,
                stdout=self.stdout,
            )

    def _print(self, created: demo.Demo, admin_url: str) -> None:
        title = self.style.MIGRATE_HEADING
        self.stdout.write(
            f"\n{title('Admin')}\n{admin_url}   {demo.ADMINISTRATOR} / {created.password}\n"
        )
        for number, line in enumerate(created.lines, 1):
            self.stdout.write(
                f"\n{title(f'{number}. {line.title}')} → {line.outcome}\n{line.command}"
            )
        self.stdout.write(
            "\nPaste the curl lines into another terminal."
            f"\nThe token in 2 and 3 expires at {created.token_expires_at}. Use 1 to get a new one."
            "\nEach run of `manage.py demo` deletes the data and creates new keys.\n"
        )
        self.stdout.flush()


def _check_database() -> None:
    """Raise CommandError unless the database is the demo's own."""
    if not settings.DEBUG:
        raise CommandError(
            "DEBUG is off. The demo deletes data and prints secrets, so it requires DEBUG=true."
        )
    if settings.DATABASES["default"]["NAME"] != str(settings.DEMO_DATABASE):
        raise CommandError(
            "DATABASE_URL is set. The demo deletes all data, so it uses only its own SQLite file, "
            f"{settings.DEMO_DATABASE}. Unset DATABASE_URL."
        )


def _check_port(port: int) -> None:
    """Raise CommandError if the server could not use the port."""
    with socket.socket() as probe:
        # Like the server, ignore connections of an earlier run that are still closing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is not available ({error.strerror}). Choose another with --port."
            ) from error


def _start_over() -> None:
    connection.close()
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{settings.DEMO_DATABASE}{suffix}").unlink(missing_ok=True)
    call_command("migrate", verbosity=0)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ArgumentTypeError("must be a whole number from 1 to 65535")
    return int(text)
