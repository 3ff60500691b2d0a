"""The app of a host with a table of keys of its own."""

from django.apps import AppConfig


class Partners(AppConfig):
    """The reader's own app in docs/migrating.md."""

    name = "tests.migrating"
    label = "partners"
