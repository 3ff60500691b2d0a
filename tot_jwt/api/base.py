"""The view that all endpoints are: its every answer is the contract's, whatever the host has set or Django raises."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.core.exceptions import BadRequest, SuspiciousOperation, ValidationError
from django.db import InterfaceError, InternalError, OperationalError, connections, transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import renderers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from tot_jwt import exceptions
from tot_jwt.exceptions import InvalidValue, TotJWTError
from tot_jwt.http.errors import ApiError
from tot_jwt.keys.state import unavailable

#: PostgreSQL's word from a standby: after a fail-over connections may lead to one for a while.
READ_ONLY = "25006"


class JSONRenderer(renderers.JSONRenderer):
    """DRF's, whatever the host's defaults for it are."""

    compact = True
    ensure_ascii = False
    strict = True


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON, whatever Accept says."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class ContractView(APIView):
    """A view whose every answer is the contract's: no host default of REST_FRAMEWORK takes part."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJSON
    versioning_class = None
    metadata_class = None
    schema = None

    #: What the view's own part of the URL captures.
    captured: ClassVar[Sequence[str]] = ()

    #: OPTIONS is not among them: 405.
    http_method_names = ["get", "head", "post"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view: outside ATOMIC_REQUESTS, so that a dead database can be answered, its form hidden from reports."""
        view = sensitive_post_parameters()(super().as_view(**initkwargs))
        for alias in connections:
            view = transaction.non_atomic_requests(alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer; what the host's prefix captured (``<slug:tenant>/``) is none of ours."""
        return super().dispatch(request, **{name: kwargs[name] for name in self.captured})

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {
            "Allow": ", ".join(self.allowed_methods),
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
        }

    def get_format_suffix(self, **kwargs: Any) -> None:
        return None

    def perform_authentication(self, request: Request) -> None:
        """Nothing: the methods that want a token ask for one."""

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise exceptions.UnsupportedMethod

    def handle_exception(self, exc: Exception) -> Response:
        """Our answer for what we or Django raised; anything else is a bug, and Django's to report."""
        if not isinstance(exc, ApiError):
            exc = ApiError(_as_ours(exc))
        response = cast(Response, drf_exception_handler(exc, {}))
        response.exception = True
        return response


def _as_ours(error: Exception) -> TotJWTError:
    match error:
        case InvalidValue() | ValidationError() | SuspiciousOperation() | BadRequest():
            return exceptions.InvalidRequest(type(error).__name__)
        case TotJWTError():
            return error
        case OperationalError() | InterfaceError():
            return unavailable(error)
        case InternalError() if getattr(error.__cause__, "sqlstate", None) == READ_ONLY:
            return unavailable(error)
    raise error
