"""The system checks, and a host's settings that pass all of them."""

from typing import Any

from django.core.checks import CheckMessage, run_checks

from tests.support.caches import RECORDING

LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
NONE = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}


def messages(**kwargs: Any) -> list[CheckMessage]:
    """Run the checks and return the package's messages."""
    return [message for message in run_checks(**kwargs) if str(message.id).startswith("tot_jwt.")]


def ids(**kwargs: Any) -> list[str]:
    """Run the checks and return the ids of the package's messages, without their prefix."""
    return [str(message.id).removeprefix("tot_jwt.") for message in messages(**kwargs)]


def safe_values(**values: Any) -> dict[str, Any]:
    """Return a TOT_JWT without risks, with these values added or replaced."""
    return {"ISSUER": "https://api.example.com", "ENVIRONMENTS": ["live"], **values}


def make_safe(settings: Any) -> None:
    """Change the host's settings so that all checks pass."""
    settings.CACHES = {"default": RECORDING, "local": LOCAL, "none": NONE}
    settings.TOT_JWT = safe_values()
    settings.SECURE_SSL_REDIRECT = True
