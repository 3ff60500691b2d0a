"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrometheusConfig(AppConfig):
    """Counters of tokens, rejections and limits, for Prometheus."""

    name = "tot_jwt.contrib.prometheus"
    label = "tot_jwt_prometheus"
    verbose_name = _("Metrics of API keys and tokens")

    def ready(self) -> None:
        """Create the counters, and have the signals count."""
        from tot_jwt.contrib.prometheus import metrics

        metrics.connect()
