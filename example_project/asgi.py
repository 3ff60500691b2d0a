"""The `application` for ASGI servers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

# Django is set up before the package is imported.
django_application = get_asgi_application()

from tot_jwt.contrib.asgi import write_usage_at_shutdown  # noqa: E402

application = write_usage_at_shutdown(django_application)
