"""OpenAPI with drf-spectacular. ``tot_jwt.contrib.spectacular`` in INSTALLED_APPS activates it."""

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

if find_spec("drf_spectacular") is None:
    raise ImproperlyConfigured(
        "tot_jwt.contrib.spectacular needs drf-spectacular. Install tot-jwt[openapi]."
    )
