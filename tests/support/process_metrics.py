"""A process whose metrics are on. Usage: ``python -m tests.support.process_metrics MODE``.

start: print the metrics before the first request.
processes: exchange once here and once in each of two forked processes, and print the metrics.
broken: remove the directory of the metrics, and print the responses of a forked process.
"""

import os
import shutil
import sys
from typing import Any

import django
from django.conf import settings


def main(mode: str) -> None:
    """Set Django up with the app, and run the mode."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "TOT_JWT_TEST_DB": "sqlite"}
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.INSTALLED_APPS += ["tot_jwt.contrib.prometheus"]
    settings.MIGRATION_MODULES = dict.fromkeys(["admin", "auth", "contenttypes", "sessions"])
    settings.LOGGING = {"version": 1, "loggers": {"tot_jwt": {"level": "CRITICAL"}}}
    django.setup()
    {"start": show, "processes": count_in_processes, "broken": break_storage}[mode]()


def show() -> None:
    """Print the metrics as the view of docs/metrics.md sends them."""
    from django.test import RequestFactory

    from tests.support.documents import blocks, read

    settings.METRICS_TOKEN = "x"
    names: dict[str, Any] = {}
    exec(blocks(read("docs/metrics.md"), "python")[1], names)  # noqa: S102 - our own text
    request = RequestFactory().get("/", headers={"Authorization": "Bearer x"})
    sys.stdout.write(names["metrics"](request).content.decode())


def count_in_processes() -> None:
    """Exchange in three processes, of which two end before the metrics are read."""
    exchange = exchange_of_new_key()
    for _ in range(2):
        in_fork(exchange)
    exchange()
    show()


def break_storage() -> None:
    """Exchange in a process that cannot create the files of its counters."""
    exchange = exchange_of_new_key()
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    in_fork(lambda: sys.stdout.write(f"{exchange().status_code}\n"))


def exchange_of_new_key() -> Any:
    """Return a function that exchanges the same key for a token."""
    from django.core.management import call_command
    from django.test import Client

    from tests.support.requests import JSON, TOKEN_URL, body
    from tot_jwt.keys import create_domain, create_key

    call_command("migrate", run_syncdb=True, verbosity=0)
    key, secret = create_key(create_domain("example.com"), name="A key")
    key.secret = secret.reveal()  # type: ignore[attr-defined]
    return lambda: Client().post(TOKEN_URL, body(key), content_type=JSON)


def in_fork(call: Any) -> None:
    """Run the function in a forked process, which has a copy of the database in memory."""
    child = os.fork()
    if not child:
        call()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1])
