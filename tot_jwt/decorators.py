"""The decorator that lets API clients use a view of Django, without Django REST framework."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tot_jwt.access.requests import averify_request, checked_scopes, verify_request
from tot_jwt.exceptions import TotJWTError
from tot_jwt.http.caching import uncached
from tot_jwt.http.responses import protect, response_to, undo_writes

V = TypeVar("V", bound=Callable[..., Any])


@overload
def require_token(view: V, /) -> V: ...


@overload
def require_token(*, scopes: Sequence[str] | None = None) -> Callable[[V], V]: ...


def require_token(view: Any = None, /, *, scopes: Sequence[str] | None = None) -> Any:
    """Require a valid token that has these scopes. Decorates synchronous and asynchronous views.

    `request.user` is the ApiClient, and `request.auth` the ApiToken. The view is exempt from the
    CSRF check. On a class, use ``method_decorator(require_token(…), name="dispatch")``.
    Raises ImproperlyConfigured.
    """
    required = checked_scopes(scopes)
    if view is None:
        return lambda view: _decorate(view, required)
    if not callable(view):
        raise ImproperlyConfigured(
            "require_token got no view. Name its argument: require_token(scopes=['orders:read'])."
        )
    return _decorate(view, required)


def _decorate(view: V, scopes: Sequence[str]) -> V:
    if isinstance(view, type):
        raise ImproperlyConfigured(
            f"require_token got the class {view.__name__}. On a class, use "
            "method_decorator(require_token(), name='dispatch')."
        )
    wrapper: Any = (_async_wrapper if _is_async(view) else _wrapper)(view, scopes)
    wrapper.csrf_exempt = True  # The session plays no part.
    wrapper.login_required = False  # Otherwise LoginRequiredMiddleware redirects the client.
    return cast(V, wrapper)


def _wrapper(view: Callable[..., Any], scopes: Sequence[str]) -> Callable[..., Any]:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _check_type(request)
        try:
            verify_request(request, scopes)
            with _entered(request):
                response = view(request, *args, **kwargs)
        except TotJWTError as error:
            return response_to(error)
        return _protected(response)

    return wrapper


def _async_wrapper(view: Callable[..., Any], scopes: Sequence[str]) -> Callable[..., Any]:
    @wraps(view)
    async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _check_type(request)
        try:
            await averify_request(request, scopes)
            with _entered(request):
                response = await view(request, *args, **kwargs)
        except TotJWTError as error:
            return response_to(error)
        return _protected(response)

    return wrapper


@contextmanager
def _entered(request: HttpRequest) -> Iterator[None]:
    """Run the view. What it wrote is undone only here: a refused request has written nothing."""
    with uncached(request):
        try:
            yield
        except TotJWTError:
            undo_writes()
            raise


def _is_async(view: Any) -> bool:
    """Return whether the view returns a coroutine.

    The method `dispatch` of an asynchronous class does, though it is not a coroutine function.
    `method_decorator` passes it as a partial of the bound method.
    """
    instance = getattr(getattr(view, "func", None), "__self__", None)
    return iscoroutinefunction(view) or getattr(instance, "view_is_async", False)


def _check_type(request: object) -> None:
    if not isinstance(request, HttpRequest):
        raise TypeError(
            "require_token got no HttpRequest. On a class, use method_decorator(require_token(), "
            "name='dispatch'); in Django REST framework, use JWTAuthentication and HasScopes."
        )


def _protected(response: Any) -> Any:
    # Django explains what is wrong with other objects.
    if isinstance(response, HttpResponseBase):
        protect(response)
    return response
