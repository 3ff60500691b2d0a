"""The operations of the peers as subjects to measure. Only this module and `tables` import them."""

import base64
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, make_password
from django.utils.module_loading import import_string
from rest_framework.authentication import BasicAuthentication

from benchmarks import tables
from benchmarks.own import altered, post, with_bearer
from benchmarks.timing import Request, Subject, request
from benchmarks.urls import protected

FORM = "application/x-www-form-urlencoded"
SIMPLEJWT, KNOX, OAUTH = "djangorestframework-simplejwt", "django-rest-knox", "django-oauth-toolkit"
DRF, API_KEY = "DRF TokenAuthentication", "djangorestframework-api-key"
USERNAME, PASSWORD = "client", "correct horse battery staple"


def authentications(rows: list[int]) -> list[Subject]:
    """Return a DRF view behind the authentication of each peer."""

    def subject(name: str, header: str, tokens: list[str], **classes: str) -> Subject:
        loaded = {kind: import_string(dotted) for kind, dotted in classes.items()}
        view = protected(loaded.pop("authentication", None), **loaded)
        requests = [request(authorization=f"{header} {token}") for token in tokens]
        return Subject(
            "Authenticate",
            name,
            view,
            requests,
            request(authorization=f"{header} {altered(tokens[0])}"),
        )

    simplejwt = "rest_framework_simplejwt.authentication."
    opaque = [tables.opaque(row) for row in rows]
    access = [_access_token(row) for row in rows]
    return [
        subject(
            f"{SIMPLEJWT}, stateless",
            "Bearer",
            access,
            authentication=f"{simplejwt}JWTStatelessUserAuthentication",
        ),
        subject(
            f"{SIMPLEJWT}, user row",
            "Bearer",
            access,
            authentication=f"{simplejwt}JWTAuthentication",
        ),
        subject(
            DRF, "Token", opaque, authentication="rest_framework.authentication.TokenAuthentication"
        ),
        subject(
            API_KEY,
            "Api-Key",
            [tables.peers_api_key(row) for row in rows],
            permission="rest_framework_api_key.permissions.HasAPIKey",
        ),
        subject(KNOX, "Token", opaque, authentication="knox.auth.TokenAuthentication"),
        subject(
            OAUTH,
            "Bearer",
            opaque,
            authentication="oauth2_provider.contrib.rest_framework.OAuth2Authentication",
        ),
    ]


def verifications(rows: list[int]) -> list[Subject]:
    """Return the endpoints that verify a token."""
    operation = "Verify a token"
    access = [_access_token(row) for row in rows]
    verify = import_string("rest_framework_simplejwt.views.TokenVerifyView").as_view()
    introspect = import_string("oauth2_provider.views.IntrospectTokenView").as_view()
    return [
        Subject(
            operation,
            SIMPLEJWT,
            verify,
            [post({"token": token}) for token in access],
            post({"token": altered(access[0])}),
        ),
        Subject(
            operation,
            OAUTH,
            introspect,
            [_introspection(tables.opaque(row)) for row in rows],
            with_bearer("x"),
        ),
    ]


def logins(times: int) -> list[Subject]:
    """Return the endpoints that issue a token for a password or a client secret.

    PASSWORD_HASHERS sets how both are hashed.
    """
    _make_account()

    def subject(name: str, view: Any, right: Request, wrong: Request) -> Subject:
        operation = "Exchange keys for a token"
        return Subject(
            operation, f"{name}, {get_hasher().algorithm} hashes", view, [right] * times, wrong
        )

    knox_login = import_string("knox.views.LoginView").as_view(
        authentication_classes=[BasicAuthentication]
    )
    return [
        subject(
            SIMPLEJWT,
            import_string("rest_framework_simplejwt.views.TokenObtainPairView").as_view(),
            post({"username": USERNAME, "password": PASSWORD}),
            post({"username": USERNAME, "password": altered(PASSWORD)}),
        ),
        subject(
            DRF,
            import_string("rest_framework.authtoken.views.ObtainAuthToken").as_view(),
            post({"username": USERNAME, "password": PASSWORD}),
            post({"username": USERNAME, "password": altered(PASSWORD)}),
        ),
        subject(KNOX, knox_login, _basic(PASSWORD), _basic(altered(PASSWORD))),
        subject(
            OAUTH,
            import_string("oauth2_provider.views.TokenView").as_view(),
            _basic(PASSWORD, b"grant_type=client_credentials"),
            _basic(altered(PASSWORD), b"grant_type=client_credentials"),
        ),
    ]


def _make_account() -> None:
    """Create a user and an OAuth client.

    They replace those of an earlier run, which another hasher may have hashed.
    """
    users = get_user_model()._default_manager
    users.filter(username=USERNAME).delete()
    users.create(username=USERNAME, password=make_password(PASSWORD))
    clients = import_string("oauth2_provider.models.Application")._default_manager
    clients.filter(client_id=USERNAME).delete()
    clients.create(
        client_id=USERNAME,
        client_secret=PASSWORD,
        client_type="confidential",
        authorization_grant_type="client-credentials",
    )


def _access_token(row: int) -> str:
    token = import_string("rest_framework_simplejwt.tokens.AccessToken")()
    token["user_id"] = str(row + 1)
    return str(token)


def _introspection(token: str) -> Request:
    return request(
        "POST", authorization=f"Bearer {token}", body=f"token={token}".encode(), type=FORM
    )


def _basic(password: str, body: bytes = b"") -> Request:
    credentials = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
    return request("POST", authorization=f"Basic {credentials}", body=body, type=FORM)
