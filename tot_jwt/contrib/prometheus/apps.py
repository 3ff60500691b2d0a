"""The app's configuration."""

import os
from pathlib import Path

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

#: The environment variable that turns on the multiprocess mode of prometheus_client.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


class PrometheusConfig(AppConfig):
    """Counters of tokens, rejections and limits, for Prometheus."""

    name = "tot_jwt.contrib.prometheus"
    label = "tot_jwt_prometheus"
    verbose_name = _("Metrics of API keys and tokens")

    def ready(self) -> None:
        """Create the counters, and have the signals count. Raises ImproperlyConfigured."""
        _check_directory()
        from tot_jwt.contrib.prometheus import metrics

        metrics.connect()


def _check_directory() -> None:
    # Without this, the first counter raises a FileNotFoundError inside prometheus_client.
    directory = os.environ.get(DIRECTORY)
    if directory is None or (Path(directory).is_dir() and os.access(directory, os.W_OK | os.X_OK)):
        return
    raise ImproperlyConfigured(
        f"{DIRECTORY} is {directory!r}, which is not a directory that this process may write to. "
        "Create the directory before the server starts, or unset the variable."
    )
