"""Answers for the probes of Kubernetes, Docker and load balancers."""

import logging

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

logger = logging.getLogger(__name__)


class ProbesMiddleware(MiddlewareMixin):
    """The first middleware: it checks no Host header, and redirects nothing to HTTPS."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer the probes. Leave other requests to the next middleware."""
        match request.path_info:
            case "/healthz":
                return HttpResponse("alive\n", content_type="text/plain")
            case "/readyz":
                return _readiness()
        return None


def _readiness() -> HttpResponse:
    """Return 200 if the database answers, or else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        # The text of the error may have several lines.
        logger.warning("Not ready: %s", " ".join(str(error).split()))
        return HttpResponse(
            "database unavailable\n",
            status=503,
            content_type="text/plain",
            headers={"Retry-After": "5"},
        )
    return HttpResponse("ready\n", content_type="text/plain")
