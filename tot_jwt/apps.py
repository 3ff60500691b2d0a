"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TotJWTConfig(AppConfig):
    """API keys and the tokens that they are exchanged for."""

    name = "tot_jwt"
    verbose_name = _("API keys and tokens")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from tot_jwt import checks, models
        from tot_jwt.keys import state as key_state

        checks.register_all()
        for model in (models.ApiKey, models.AppDomain):
            post_save.connect(key_state.drop, sender=model)
            post_delete.connect(key_state.drop, sender=model)
