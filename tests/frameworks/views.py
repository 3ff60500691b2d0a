"""One view, written with Django REST framework and in each way that Django knows."""

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tot_jwt.authentication import StrictJWTAuthentication
from tot_jwt.decorators import require_token
from tot_jwt.exceptions import InsufficientScope, InvalidValue, ServiceUnavailable
from tot_jwt.permissions import HasScopes

orders_only = require_token(scopes=["orders:read"])


def facts(request: Any) -> dict[str, Any]:
    """Return what a view sees of the client."""
    same = request.auth.client is request.user
    return {"pk": request.user.pk, "jti": request.auth["jti"], "same": same}


class Reference(APIView):
    """The view of Django REST framework, whose answers the others must give."""

    authentication_classes = [StrictJWTAuthentication]
    permission_classes = [HasScopes]
    required_scopes = ["orders:read"]

    def get(self, request: Request) -> Response:
        return Response(facts(request))

    post = get


@orders_only
def function(request: HttpRequest) -> HttpResponse:
    return JsonResponse(facts(request))


@orders_only
async def async_function(request: HttpRequest) -> HttpResponse:
    assert await request.auser() is request.user
    return JsonResponse(facts(request))


@method_decorator(orders_only, name="dispatch")
class Class(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(facts(request))

    post = get


@method_decorator(orders_only, name="dispatch")
class AsyncClass(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(facts(request))

    post = get


@orders_only
async def asks_for_more(request: Any) -> HttpResponse:
    """Ask for another scope, which needs the database."""
    may_write = request.user.has_scope("orders:write")
    return JsonResponse([may_write, await request.user.ahas_scope("orders:write")], safe=False)


@require_token
def any_token(request: HttpRequest) -> HttpResponse:
    return JsonResponse(facts(request))


@require_token
def has_a_bug(request: HttpRequest) -> HttpResponse:
    raise InvalidValue("A text that a person entered.")


@require_token
async def returns_nothing(request: HttpRequest) -> Any:
    """Return no response."""


def write(request: HttpRequest) -> None:
    """Write a row; fail as the query says."""
    Group.objects.create(name="written")
    errors = {"403": InsufficientScope(["orders:write"]), "503": ServiceUnavailable()}
    if error := errors.get(request.GET.get("status", "")):
        raise error


@require_token
def writes(request: HttpRequest) -> HttpResponse:
    write(request)
    return HttpResponse()
