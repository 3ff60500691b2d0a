"""``manage.py demo``: the example with data, keys and curl lines, from nothing, and again from nothing next time."""

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
    """Starts over at each run, so it touches nothing but its own file."""

    help = "Start over with demo data, print keys and curl lines, and serve on 127.0.0.1."
    requires_system_checks = []  # they open the database, whatever is left of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=_port, default=8000)
        parser.add_argument(
            "--no-serve", action="store_false", dest="serve", help="Prepare and print, then stop."
        )

    def handle(self, *, port: int, serve: bool, **options: Any) -> None:
        _refuse_unless_ours()
        if serve:
            _refuse_if_taken(port)
        _start_over()
        self._print(demo.build(f"http://{HOST}:{port}"), f"http://{HOST}:{port}/admin/")
        if serve:
            call_command(
                "runserver",
                f"{HOST}:{port}",
                use_reloader=False,
                skip_checks=True,
                stdout=self.stdout,
            )

    def _print(self, made: demo.Demo, admin_url: str) -> None:
        title = self.style.MIGRATE_HEADING
        self.stdout.write(
            f"\n{title('The admin')}\n{admin_url}   {demo.ADMINISTRATOR} / {made.password}\n"
        )
        for number, line in enumerate(made.lines, 1):
            self.stdout.write(
                f"\n{title(f'{number}. {line.title}')} → {line.outcome}\n{line.command}"
            )
        self.stdout.write(
            f"\nPaste the curl lines into another terminal. The token of 2 and 3 expires at {made.token_expires_at};"
            "\nthen 1 gives you another. The next `manage.py demo` starts over with new keys.\n"
        )
        self.stdout.flush()


def _refuse_unless_ours() -> None:
    if not settings.DEBUG:
        raise CommandError(
            "DEBUG is off. The demo deletes data and prints secrets, so it runs only with DEBUG=true."
        )
    if settings.DATABASES["default"]["NAME"] != str(settings.DEMO_DATABASE):
        raise CommandError(
            f"DATABASE_URL names another database. The demo deletes everything, so it runs only on its own SQLite "
            f"file, {settings.DEMO_DATABASE}: unset DATABASE_URL."
        )


def _refuse_if_taken(port: int) -> None:
    with socket.socket() as probe:
        # As the server does: connections of an earlier run that have not died down yet are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be had ({error.strerror}). Choose another with --port."
            ) from error


def _start_over() -> None:
    connection.close()
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{settings.DEMO_DATABASE}{suffix}").unlink(missing_ok=True)
    call_command("migrate", verbosity=0)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)
