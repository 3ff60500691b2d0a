"""Base view of the endpoints. It ignores the host's REST_FRAMEWORK defaults."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.core.exceptions import BadRequest, SuspiciousOperation, ValidationError
from django.db import (
    DataError,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
    transaction,
)
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import renderers
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from tot_jwt import exceptions
from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.http.errors import ApiError
from tot_jwt.http.headers import NO_STORE
from tot_jwt.keys.loading import unavailable

#: MariaDB's and MySQL's error for text that a column's character set lacks.
INCORRECT_STRING = 1366
#: PostgreSQL's error code on a standby. Connections can lead to one after a fail-over.
READ_ONLY = "25006"


class JSONRenderer(renderers.JSONRenderer):
    """DRF's renderer, independent of the host's settings."""

    compact = True
    ensure_ascii = False
    strict = True


class AlwaysJSON(BaseContentNegotiation):
    """Negotiation that ignores the Accept header."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        """Return the only renderer and its media type."""
        return renderers[0], renderers[0].media_type


class ContractView(APIView):
    """A view that responds in the documented format, whatever the host sets or Django raises."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJSON
    versioning_class = None
    metadata_class = None
    schema = None

    #: The names of the arguments that the view's own URL pattern captures.
    captured: ClassVar[Sequence[str]] = ()

    # Without OPTIONS, which is a 405 like any other method.
    http_method_names = ["get", "head", "post"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, with its form hidden from error reports.

        It runs outside ATOMIC_REQUESTS, so that it can respond while the database is unavailable.
        """
        view = sensitive_post_parameters()(super().as_view(**initkwargs))
        for alias in connections:
            view = transaction.non_atomic_requests(alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Respond. Arguments that the host's prefix captured (``<slug:tenant>/``) are ignored."""
        return super().dispatch(request, **{name: kwargs[name] for name in self.captured})

    @property
    def default_response_headers(self) -> dict[str, str]:
        """The headers of every response."""
        return {"Allow": ", ".join(self.allowed_methods), **NO_STORE}

    def get_format_suffix(self, **kwargs: Any) -> None:
        """Return None: a URL has no format suffix."""
        return

    def perform_authentication(self, request: Request) -> None:
        """Do nothing: a method that needs a token verifies it itself."""

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise UnsupportedMethod."""
        raise exceptions.UnsupportedMethod

    def translate(self, error: TotJWTError) -> APIException:
        """Return DRF's exception for ours."""
        return ApiError(error)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the response for our exceptions and Django's. Anything else is a bug: raise it."""
        if not isinstance(exc, ApiError):
            exc = self.translate(_as_ours(exc))
        response = cast(Response, drf_exception_handler(exc, {}))
        response.exception = True
        return response


def _as_ours(error: Exception) -> TotJWTError:
    match error:
        case InvalidValue() | ValidationError() | SuspiciousOperation() | BadRequest():
            return exceptions.InvalidRequest(type(error).__name__)
        case TotJWTError() if error.status != 500:
            return error
        case DataError() | OperationalError() if _cannot_be_stored(error):
            return exceptions.InvalidRequest("not_storable")
        case OperationalError() | InterfaceError():
            return unavailable(error)
        case InternalError() if getattr(error.__cause__, "sqlstate", None) == READ_ONLY:
            return unavailable(error)
    raise error


def _cannot_be_stored(error: Exception) -> bool:
    return isinstance(error, DataError) or error.args[:1] == (INCORRECT_STRING,)
