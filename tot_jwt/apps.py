"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TotJWTConfig(AppConfig):
    """API keys, and the tokens that clients get for them."""

    name = "tot_jwt"
    verbose_name = _("API keys and tokens")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and drop cached key states when a key or domain is saved."""
        from django.conf import settings
        from django.db.models.signals import post_delete, post_save

        from tot_jwt import checks, models
        from tot_jwt.keys import state

        # Django takes some microseconds to find that a setting is missing, at each look-up.
        settings.TOT_JWT = getattr(settings, "TOT_JWT", {})
        checks.register_all()
        for model in (models.ApiKey, models.AppDomain):
            post_save.connect(state.drop, sender=model)
            post_delete.connect(state.drop, sender=model)
