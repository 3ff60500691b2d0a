"""Hide the secret from Django's error reports, and remove it from what the view sees."""

from collections import deque
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.views.decorators.debug import sensitive_variables

from tot_jwt.http.names import SECRET_KEY

#: Containers that are searched for the secret, those near the top first.
MAX_CONTAINERS = 1000


def hide_secret(request: HttpRequest) -> None:
    """Hide the secret in Django's error report, which lists the fields of a form."""
    hidden = getattr(request, "sensitive_post_parameters", ())
    if hidden != "__ALL__" and SECRET_KEY not in hidden:
        request.sensitive_post_parameters = [*hidden, SECRET_KEY]  # type: ignore[attr-defined]


@sensitive_variables()
def remove_secret(data: Any, secret: str) -> None:
    """Remove the secret from parsed data, under whatever name the parser gave it.

    Parsers may rename members and return any type. Only containers of Python and Django change.
    """
    _remove_named(data)
    waiting = deque([data])
    for _ in range(MAX_CONTAINERS):
        if not waiting:
            return
        container = waiting.popleft()
        waiting.extend(_remove_from(container, secret))


@sensitive_variables()
def _remove_named(data: Any) -> None:
    """Remove the secret under its own name: in another charset its text differs."""
    if isinstance(data, QueryDict):
        is_mutable, data._mutable = data._mutable, True
        data.pop(SECRET_KEY, None)
        data._mutable = is_mutable
    elif isinstance(data, dict):
        data.pop(SECRET_KEY, None)


@sensitive_variables()
def _remove_from(container: Any, secret: str) -> list[Any]:
    """Remove the secret from one container, and return the containers in it."""
    match container:
        case MultiValueDict():
            values = _remove_from_lists(container, secret)
        case dict():
            for name in [name for name, value in container.items() if value == secret]:
                del container[name]
            values = list(container.values())
        case list():
            container[:] = values = [value for value in container if value != secret]
        case _:
            return []
    return [value for value in values if isinstance(value, dict | list)]


@sensitive_variables()
def _remove_from_lists(data: MultiValueDict[str, Any], secret: str) -> list[Any]:
    is_mutable = getattr(data, "_mutable", True)
    if isinstance(data, QueryDict):
        data._mutable = True
    for name, values in list(data.lists()):
        if secret in values:
            del data[name]
    if isinstance(data, QueryDict):
        data._mutable = is_mutable
    return [value for _, values in data.lists() for value in values]
