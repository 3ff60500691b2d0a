"""OpenAPI with drf-spectacular. ``tot_jwt.contrib.spectacular`` in INSTALLED_APPS activates it."""

from django.core.exceptions import ImproperlyConfigured

try:
    import drf_spectacular  # noqa: F401 - tells whether it is installed
except ImportError as error:
    raise ImproperlyConfigured(
        "tot_jwt.contrib.spectacular needs drf-spectacular. Install tot-jwt[openapi]."
    ) from error
