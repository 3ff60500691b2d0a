"""The host's app."""

from django.apps import AppConfig


class HostsConfig(AppConfig):
    name = "tests.hosts"
    label = "hosts"
