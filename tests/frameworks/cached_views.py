"""Views with `require_token` and a cache of Django: around them, inside, or both."""

from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page

from tests.frameworks.views import facts
from tot_jwt.decorators import require_token

store = cache_page(60)


def shown(request: HttpRequest) -> HttpResponse:
    """Return the facts, and count the call."""
    cache.set("calls", cache.get("calls", 0) + 1)
    return JsonResponse(facts(request))


async def async_shown(request: HttpRequest) -> HttpResponse:
    """Do the same in an event loop."""
    return shown(request)


def rendered(request: Any) -> HttpResponse:
    """Return a page that Django renders after the view."""
    cache.set("calls", cache.get("calls", 0) + 1)
    page: Any = engines["django"].from_string('{"pk": "{{ client.pk }}"}')
    context = {"client": request.user}
    return TemplateResponse(request, page, context, content_type="application/json")


def unstored(request: Any) -> HttpResponse:
    """Ask Django's cache not to store the response."""
    request._cache_update_cache = False
    return shown(request)


def missing(request: HttpRequest) -> HttpResponse:
    """Find nothing, and count the call."""
    cache.set("calls", cache.get("calls", 0) + 1)
    raise Http404(facts(request)["pk"])


@method_decorator(require_token, name="dispatch")
class Shown(View):
    """A class whose method has a cache."""

    @method_decorator(store)
    def get(self, request: HttpRequest) -> HttpResponse:
        return shown(request)


def answers_missing(get_response: Any) -> Any:
    """Answer what is missing with a page, as a middleware of a host may do."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        return response

    # Django looks for this attribute.
    middleware.process_exception = (  # type: ignore[attr-defined]
        lambda request, error: JsonResponse({"pk": str(error)})
    )
    return middleware


urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("plain", require_token(shown)),
    path("outside", store(require_token(shown))),
    path("inside", require_token(store(shown))),
    path("async-inside", require_token(store(async_shown))),
    path("method", Shown.as_view()),
    path("both", store(require_token(store(shown)))),
    path("rendered", require_token(store(rendered))),
    path("unstored", require_token(store(unstored))),
    path("missing", require_token(missing)),
]
