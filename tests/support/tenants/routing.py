"""One database for each tenant."""

import threading
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

_local = threading.local()


def use_database(alias: str) -> None:
    """Use this database in this thread from now on."""
    _local.alias = alias


class ByHost:
    """A middleware that uses the database that the first label of the host name names."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        use_database(request.get_host().partition(".")[0])
        return self.get_response(request)


class ByThread:
    """A database router for the database of the thread."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return getattr(_local, "alias", "default")

    db_for_write = db_for_read
