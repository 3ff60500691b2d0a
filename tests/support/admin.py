"""The admin as its users drive it, and what happens while it works."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models import Model
from django.db.models.signals import ModelSignal
from django.test import Client
from django.urls import reverse

from tests.support.factories import UserFactory
from tot_jwt.models import ApiKey, AppDomain, KeyEvent

KEYS = "/admin/tot_jwt/apikey/"
ADD_KEY = f"{KEYS}add/"
DOMAINS = "/admin/tot_jwt/appdomain/"
EVENTS = "/admin/tot_jwt/keyevent/"

SECRET = re.compile(r"sk_(?:live|test)_tot_[0-9A-Za-z]{49}")
#: What a strict Content-Security-Policy forbids. Data for scripts (JSON) is allowed.
INLINE = re.compile(
    r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)",
)


def log_in(client: Client, *permissions: str, **attributes: Any) -> Any:
    """Log in a new member of staff with these permissions only, and return the user."""
    # A process queries a content type once; no test may depend on being the first to do so.
    ContentType.objects.get_for_models(ApiKey, AppDomain, KeyEvent)
    user = UserFactory.create(is_staff=True, **attributes)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def make_superuser(client: Client) -> Any:
    """Log in a new superuser, and return the user."""
    return log_in(client, is_superuser=True)


def text(response: Any) -> str:
    """Return the page of a response."""
    return str(response.content.decode())


def words(response: Any) -> str:
    """Return the words of a page, without tags and line breaks."""
    return " ".join(re.sub(r"<[^>]+>", " ", text(response)).split())


def messages(response: Any) -> list[str]:
    """Return the messages that the next page will show."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def listed(response: Any) -> list[Any]:
    """Return the rows of a list."""
    return list(response.context["cl"].result_list)


def secret_in(response: Any) -> str:
    """Return the one secret that a page shows."""
    (secret,) = set(SECRET.findall(text(response)))
    return str(secret)


def change_url(row: Any) -> str:
    """Return the URL of the row's page."""
    return reverse(f"admin:tot_jwt_{row._meta.model_name}_change", args=[row.pk])


def new_key_data(client: Client, domain: AppDomain, **fields: Any) -> dict[str, Any]:
    """Return what the filled-in add form sends."""
    token = re.search(r'name="new_key" value="([^"]+)"', text(client.get(ADD_KEY)))
    assert token
    return {
        "new_key": token[1],
        "app_domain": domain.pk,
        "environment": "live",
        "name": "The shop",
        "can_issue_tokens": "on",
        **fields,
    }


def changed_data(key: ApiKey, **fields: Any) -> dict[str, Any]:
    """Return what the change form of the key sends."""
    return {"name": key.name, "scopes": key.scopes, "can_issue_tokens": "on", **fields}


def run_action(client: Client, name: str, *rows: Any, **fields: Any) -> Any:
    """Choose an action for these rows of the list. ``confirmed="1"`` confirms it."""
    url = reverse(f"admin:tot_jwt_{rows[0]._meta.model_name}_changelist")
    selected = [row.pk for row in rows]
    return client.post(url, {"action": name, "_selected_action": selected, **fields})


def rotate_url(key: ApiKey) -> str:
    """Return the URL of the key's rotation page."""
    return f"{KEYS}{key.pk}/rotate/"


def rotation_data(client: Client, key: ApiKey, **fields: Any) -> dict[str, Any]:
    """Return what the rotation form sends."""
    stamp = re.search(r'name="stamp" value="(\w+)"', text(client.get(rotate_url(key))))
    assert stamp
    return {"stamp": stamp[1], "grace": "86400", **fields}


def rotate(client: Client, key: ApiKey, **fields: Any) -> Any:
    """Rotate the key with a new form."""
    return client.post(rotate_url(key), rotation_data(client, key, **fields))


def fail_with(error: Exception) -> Callable[..., NoReturn]:
    """Return a function that raises the error."""

    def fail(*args: Any) -> NoReturn:
        raise error

    return fail


@contextmanager
def once_on(
    signal: ModelSignal,
    model: type[Model],
    happen: Callable[[Any], Any],
    *,
    fits: Callable[[Any], bool] = lambda row: True,
) -> Iterator[None]:
    """Call `happen` with the first row that fits, when Django sends the signal for it."""

    def receive(sender: Any, instance: Any, **kwargs: Any) -> None:
        if fits(instance):
            signal.disconnect(receive, sender=model)
            happen(instance)

    signal.connect(receive, sender=model)
    try:
        yield
    finally:
        is_waiting = signal.disconnect(receive, sender=model)
    assert not is_waiting, "It did not happen."


@contextmanager
def before_transaction(happen: Callable[[], Any]) -> Iterator[None]:
    """Call `happen` before the next transaction, which is a savepoint in a test."""
    waiting = [happen]

    def wrapper(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("SAVEPOINT") and waiting:
            waiting.pop()()
        return execute(sql, *args)

    with connection.execute_wrapper(wrapper):
        yield
    assert not waiting, "It did not happen."
