"""Counters for Prometheus. ``tot_jwt.contrib.prometheus`` in INSTALLED_APPS activates them."""

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

if find_spec("prometheus_client") is None:
    raise ImproperlyConfigured(
        "tot_jwt.contrib.prometheus needs prometheus_client. Install tot-jwt[prometheus]."
    )
