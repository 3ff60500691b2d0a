"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpectacularConfig(AppConfig):
    """OpenAPI for the authentication classes and the endpoints of tot_jwt."""

    name = "tot_jwt.contrib.spectacular"
    label = "tot_jwt_spectacular"
    verbose_name = _("OpenAPI for API keys and tokens")

    def ready(self) -> None:
        """Register the extensions, and the hook that completes each schema."""
        from tot_jwt.contrib.spectacular import extensions, hooks  # noqa: F401 - they register

        hooks.install()
