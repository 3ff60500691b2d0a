"""Users, domains and keys for tests. The package itself creates the keys."""

from typing import Any

import factory
from django.contrib.auth import get_user_model

from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey, AppDomain, KeyEvent


class UserFactory(factory.django.DjangoModelFactory[Any]):
    class Meta:
        model = get_user_model()

    username = factory.Sequence("user{}".format)
    password = factory.django.Password("correct horse")


class AppDomainFactory(factory.django.DjangoModelFactory[AppDomain]):
    class Meta:
        model = AppDomain

    domain = factory.Sequence("app{}.example.com".format)
    name = "An application"


class ApiKeyFactory(factory.django.DjangoModelFactory[ApiKey]):
    """A key whose attribute `secret` is its secret, which the database does not have."""

    class Meta:
        model = ApiKey

    app_domain = factory.SubFactory(AppDomainFactory)
    name = factory.Sequence("Key {}".format)

    @classmethod
    def _create(cls, model_class: type[ApiKey], *args: Any, **kwargs: Any) -> ApiKey:
        columns = {
            name: kwargs.pop(name) for name in list(kwargs) if name not in _CREATE_KEY_ARGUMENTS
        }
        app_domain = kwargs.pop("app_domain")
        key, secret = lifecycle.create_key(app_domain, **kwargs)
        if columns:
            for name, value in columns.items():
                setattr(key, name, value)
            key.save()
        key.secret = secret.reveal()  # type: ignore[attr-defined]
        return key


_CREATE_KEY_ARGUMENTS = {
    "app_domain",
    "name",
    "environment",
    "scopes",
    "allowed_ips",
    "can_issue_tokens",
    "rate_limit",
    "metadata",
    "public_key",
    "created_by",
    "created_by_key",
}


def erase(key: ApiKey) -> None:
    """Delete the key's row, and first the events that would keep it."""
    KeyEvent.objects.all().erase()
    ApiKey.objects.filter(pk=key.pk).delete()
    key_state.reset()
