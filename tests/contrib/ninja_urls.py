"""APIs of django-ninja, and the view of Django REST framework that they are compared with."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.cache import cache_page
from ninja import NinjaAPI, Router
from ninja.decorators import decorate_view
from ninja.security import APIKeyHeader, django_auth

from tests.frameworks.views import Reference, facts, write
from tot_jwt.contrib.ninja import TokenAuth, install
from tot_jwt.exceptions import InvalidValue

orders = TokenAuth(scopes=["orders:read"])


class Partner(APIKeyHeader):
    """The header of a partner, whom another class than ours knows."""

    param_name = "X-Partner"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        return key or None


api = NinjaAPI(auth=orders, title="Installed", urls_namespace="installed")
install(api)
router = Router(auth=[TokenAuth(), Partner()])
plain = NinjaAPI(auth=orders, title="Plain", urls_namespace="plain")


@plain.get("/sync")
@api.get("/sync")
def sync(request: Any) -> dict[str, Any]:
    """Return the facts."""
    return facts(request)


@plain.get("/async")
@api.get("/async")
async def asynchronous(request: Any) -> dict[str, Any]:
    return facts(request)


@api.post("/sync")
def post(request: Any) -> dict[str, Any]:
    return facts(request)


@api.get("/asks-for-more", auth=TokenAuth())
def asks_for_more(request: Any) -> bool:
    return bool(request.user.has_scope("orders:write"))


@api.get("/has-a-bug", auth=TokenAuth())
def has_a_bug(request: HttpRequest) -> None:
    raise InvalidValue("A text that a person entered.")


@api.get("/persons", auth=django_auth)
def persons(request: HttpRequest) -> str:
    return request.user.get_username()


@plain.get("/cached", auth=TokenAuth())
@api.get("/cached", auth=TokenAuth())
@decorate_view(cache_page(60))
def cached(request: Any) -> dict[str, Any]:
    return facts(request)


@plain.get("/cached-inside", auth=TokenAuth())
@api.get("/cached-inside", auth=TokenAuth())
@cache_page(60)
def cached_inside(request: Any) -> HttpResponse:
    return JsonResponse(facts(request))


@api.get("/writes", auth=TokenAuth())
def writes(request: HttpRequest, status: str) -> None:
    write(request)


@router.get("/either")
def either(request: Any) -> str:
    return str(getattr(request.auth, "public_key", request.auth))


@router.get("/either-async")
async def either_async(request: Any) -> str:
    return str(getattr(request.auth, "public_key", request.auth))


def undecorated(run: Any) -> Any:
    """Decorate without functools.wraps: return a function that hides what it calls."""

    def hidden(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = run(request)
        return response

    return hidden


@router.get("/hidden", auth=orders)
@decorate_view(undecorated)
def hidden(request: Any) -> dict[str, Any]:
    return facts(request)


api.add_router("", router)

urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("reference", Reference.as_view()),
    path("api/", api.urls),
    path("plain/", plain.urls),
]
