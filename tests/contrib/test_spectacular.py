"""The schemas of hosts: their views, their permissions, and where they mount the endpoints."""

import runpy
import sys
from pathlib import Path

import pytest
from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path, re_path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings, spectacular_settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from drf_spectacular.validation import validate_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.versioning import NamespaceVersioning
from rest_framework.viewsets import GenericViewSet

import tot_jwt
from tot_jwt.api.token import TokenView
from tot_jwt.authentication import (
    ApiKeyAuthentication,
    JWTAuthentication,
    StrictJWTAuthentication,
)
from tot_jwt.contrib.spectacular import hooks
from tot_jwt.permissions import HasScopes, NotApiClient
from tot_jwt.throttles import ApiKeyThrottle

KEYS: dict[str, list[str]] = {"totAppDomain": [], "totApiKey": [], "totSecretKey": []}
BEARER: list[dict[str, list[str]]] = [{"totJwt": []}]


class Order(serializers.Serializer):
    number = serializers.IntegerField()


class Orders(GenericAPIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = []
    throttle_classes = []
    serializer_class = Order

    def get(self, request):
        """List orders."""

    def post(self, request):
        """Place an order."""


class UserAuthentication(JWTAuthentication):
    """A host's subclass."""


class OtherAuthentication(StrictJWTAuthentication):
    """Another one."""


class UserOfClient(JWTAuthentication):
    """A host's subclass whose users may be staff."""

    def get_user(self, client, auth):
        """Return the user that the client acts for."""


class HostKeys(ApiKeyAuthentication):
    """A host's subclass."""


class HasOrders(HasScopes):
    """A host's subclass."""


@pytest.fixture(autouse=True)
def _host(settings):
    """Activate the app in a host that mounts no OAuth endpoint."""
    AppConfig.create("tot_jwt.contrib.spectacular").ready()
    settings.ROOT_URLCONF = "tot_jwt.well_known_urls"
    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}


def generate(*patterns, version=None, **changes):
    """Return the schema of these URLs, which is valid and causes no warning."""
    with patched_settings(changes):
        schema = SchemaGenerator(patterns=patterns, api_version=version).get_schema(public=True)
        validate_schema(schema)
    assert not GENERATOR_STATS
    return schema


def operation_of(method="get", view=Orders, **attributes):
    """Return the operation of a view with these attributes."""
    changed = type("Changed", (view,), attributes)
    return generate(path("orders", changed.as_view()))["paths"]["/orders"][method]


# Authentication


def test_subclasses_share_one_scheme():
    kinds = [JWTAuthentication, StrictJWTAuthentication, UserAuthentication, OtherAuthentication]
    views = [type(f"V{n}", (Orders,), {"authentication_classes": [k]}) for n, k in enumerate(kinds)]
    views.append(type("Keys", (Orders,), {"authentication_classes": [ApiKeyAuthentication]}))
    views.append(type("HostKeys", (Orders,), {"authentication_classes": [HostKeys]}))

    schema = generate(*(path(f"view{n}", view.as_view()) for n, view in enumerate(views)))

    found = [item["get"]["security"] for item in schema["paths"].values()]
    assert found == [BEARER] * 4 + [[KEYS]] * 2
    assert schema["components"]["securitySchemes"]["totJwt"]["scheme"] == "bearer"
    assert schema["components"]["securitySchemes"].keys() == {"totJwt", *KEYS}
    assert schema["components"]["securitySchemes"]["totSecretKey"]["name"] == "Tot-Secret-Key"


def test_mounted_oauth_is_an_alternative(settings):
    settings.ROOT_URLCONF = "tests.urls"
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False, "SCOPES": {"orders:read": "Read orders"}}
    view = type(
        "Scoped", (Orders,), {"permission_classes": [HasScopes], "required_scopes": ["new:scope"]}
    )

    schema = generate(path("orders", view.as_view()))

    oauth = {"totOAuth2": ["new:scope"]}
    assert schema["paths"]["/orders"]["get"]["security"] == [*BEARER, oauth]
    [flow] = schema["components"]["securitySchemes"]["totOAuth2"]["flows"].values()
    assert flow == {
        "tokenUrl": "/oauth/token",
        "scopes": {"orders:read": "Read orders", "new:scope": ""},
    }


def test_other_header_is_described(settings):
    settings.ROOT_URLCONF = "tests.urls"
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}

    schema = generate(
        path("orders", Orders.as_view()), path("oauth/", include("tot_jwt.oauth_urls"))
    )

    schemes = schema["components"]["securitySchemes"]
    assert (schemes["totJwt"]["type"], schemes["totJwt"]["name"]) == ("apiKey", "X-Api-Token")
    assert schemes.keys() == {"totJwt"}
    assert schema["paths"]["/oauth/token"]["post"]["security"] == [{}]


def test_shared_alternatives_appear_once():
    classes = [JWTAuthentication, UserAuthentication, ApiKeyAuthentication, HostKeys]

    assert operation_of(authentication_classes=classes)["security"] == [*BEARER, KEYS]


@pytest.mark.parametrize(
    "own",
    [None, {"type": "openIdConnect", "openIdConnectUrl": "https://id.example"}],
    ids=["undefined", "other"],
)
@pytest.mark.parametrize("urls", ["tot_jwt.well_known_urls", "tests.urls"])
def test_own_oauth_scheme_of_host_stays(settings, own, urls):
    settings.ROOT_URLCONF = urls

    class Described(Orders):
        @extend_schema(auth=[{"totOAuth2": ["own:scope"]}])
        def get(self, request):
            """List orders."""

    added = {"APPEND_COMPONENTS": {"securitySchemes": {"totOAuth2": own}}} if own else {}
    schema = generate(path("orders", Described.as_view()), **added)

    assert schema["paths"]["/orders"]["get"]["security"] == [{"totOAuth2": ["own:scope"]}]
    found = schema["components"].get("securitySchemes", {}).get("totOAuth2")
    if own is None and urls == "tests.urls":
        assert found["flows"]["clientCredentials"]["scopes"]["own:scope"] == ""
    else:
        assert found == own


def test_other_authentication_is_an_alternative():
    found = operation_of(authentication_classes=[SessionAuthentication, JWTAuthentication])

    assert found["security"] == [{"cookieAuth": []}, *BEARER]
    assert "401" in found["responses"]


def test_anonymous_clients_are_an_alternative():
    assert operation_of(permission_classes=[AllowAny])["security"] == [*BEARER, {}]


# Permissions and throttles


@pytest.mark.parametrize(
    ("permission", "scopes", "is_admitted"),
    [
        (HasScopes, ["orders:read"], True),
        (HasOrders, ["orders:read"], True),
        (IsAuthenticated & (AllowAny & HasScopes), ["orders:read"], True),
        (HasScopes | HasOrders, ["orders:read"], True),
        (HasScopes | IsAdminUser, None, True),
        (~HasScopes, None, True),
        (NotApiClient, None, False),
        (IsAuthenticated & NotApiClient, None, False),
        (IsAuthenticated | NotApiClient, None, True),
        (IsAdminUser, None, False),
        (IsAdminUser & HasScopes, None, False),
        (IsAdminUser | NotApiClient, None, False),
        (~IsAdminUser, None, True),
    ],
)
def test_only_mandatory_scopes_are_listed(permission, scopes, is_admitted):
    found = operation_of(permission_classes=[permission], required_scopes=["orders:read"])

    assert found.get("x-required-scopes") == scopes
    assert ("`orders:read`" in found["description"]) == bool(scopes)
    assert ("security" in found) == ("401" in found["responses"]) == is_admitted


def test_staff_of_host_are_admitted():
    """The user of a client may be staff, if the host's class returns that user."""
    classes = [UserOfClient, ApiKeyAuthentication]

    found = operation_of(authentication_classes=classes, permission_classes=[IsAdminUser])

    assert found["security"] == BEARER


def test_scopes_depend_on_method():
    attributes = {"permission_classes": [HasScopes], "required_scopes": {"GET": ["orders:read"]}}

    assert operation_of("get", **attributes)["x-required-scopes"] == ["orders:read"]
    # No client may use a method that is not listed.
    assert "security" not in operation_of("post", **attributes)


def test_scopes_depend_on_action():
    class OrderSet(GenericViewSet):
        authentication_classes = [JWTAuthentication]
        permission_classes = [HasScopes]
        required_scopes = {"list": ["orders:read"], "create": ["orders:write"]}
        serializer_class = Order

        def list(self, request):
            """List orders."""

        def create(self, request):
            """Place an order."""

    view = OrderSet.as_view({"get": "list", "post": "create"})

    item = generate(path("orders", view))["paths"]["/orders"]

    assert item["get"]["x-required-scopes"] == ["orders:read"]
    assert item["post"]["x-required-scopes"] == ["orders:write"]


def test_unreadable_scopes_are_a_warning(capsys):
    view = type("Unconfigured", (Orders,), {"permission_classes": [HasScopes]})

    schema = SchemaGenerator(patterns=[path("orders", view.as_view())]).get_schema(public=True)

    assert "Unconfigured uses HasScopes and needs `required_scopes`" in capsys.readouterr().err
    assert schema["paths"]["/orders"]["get"]["security"] == BEARER


def needs_user(view):
    """Return what only a request with a user has, as a method of a host."""
    return view.request.user.plan


@pytest.mark.parametrize(
    ("method", "warning"),
    [
        ("get_throttles", "could not read the throttles of Demanding"),
        ("get_exception_handler", "could not read the exception handler of Demanding"),
    ],
)
def test_methods_that_fail_are_a_warning(capsys, method, warning):
    view = type("Demanding", (Orders,), {method: needs_user})

    schema = SchemaGenerator(patterns=[path("orders", view.as_view())]).get_schema(public=True)

    assert warning in capsys.readouterr().err
    found = schema["paths"]["/orders"]["get"]
    assert found["security"] == BEARER
    assert found["responses"]["403"] == {"$ref": "#/components/responses/TotForbidden"}
    assert "429" not in found["responses"]


TOKEN_CODES = {"token_malformed", "token_invalid", "token_expired", "token_revoked"}


@pytest.mark.parametrize(
    ("kinds", "codes", "anonymous"),
    [
        ([JWTAuthentication], TOKEN_CODES, None),
        ([ApiKeyAuthentication], {"invalid_credentials"}, None),
        ([UserAuthentication, HostKeys], {*TOKEN_CODES, "invalid_credentials"}, None),
        ([StrictJWTAuthentication], TOKEN_CODES, "not_authenticated"),
    ],
    ids=["tokens", "keys", "both", "strict"],
)
def test_unauthorized_depends_on_classes(kinds, codes, anonymous):
    view = type("Own", (Orders,), {"authentication_classes": kinds})

    schema = generate(path("orders", view.as_view()))

    reference = schema["paths"]["/orders"]["get"]["responses"]["401"]["$ref"]
    response = schema["components"]["responses"][reference.rpartition("/")[2]]
    examples = response["content"]["application/json"]["examples"]
    sent = examples.pop("not_authenticated")["value"]
    assert sent["detail"] == "Authentication credentials were not provided."
    assert sent.get("code") == anonymous
    assert examples.keys() == codes
    assert {example["value"]["code"] for example in examples.values()} == codes
    assert "None" not in response["description"]


def test_anonymous_request_gets_the_example(rf):
    schema = generate(path("orders", Orders.as_view()))
    [examples] = [
        media["examples"]
        for name, response in schema["components"]["responses"].items()
        for media in response["content"].values()
        if name.startswith("TotUnauthorized")
    ]
    view = Orders.as_view(permission_classes=[IsAuthenticated])

    response = view(rf.get("/orders"))

    assert (response.status_code, response.data) == (401, examples["not_authenticated"]["value"])


def test_throttle_adds_its_answer():
    assert "429" not in operation_of()["responses"]
    throttled = operation_of(throttle_classes=[ApiKeyThrottle])["responses"]
    assert throttled["429"] == {"$ref": "#/components/responses/TotTooManyRequests"}


def test_own_descriptions_of_view_stay():
    class Described(Orders):
        @extend_schema(responses={200: Order, 403: OpenApiResponse(description="Not today.")})
        def get(self, request):
            """List orders."""

    found = operation_of(view=Described)["responses"]

    assert found["403"] == {"description": "Not today."}
    assert found["401"] == {"$ref": "#/components/responses/TotUnauthorizedToken"}


def test_other_bodies_are_not_described():
    found = operation_of(get_exception_handler=lambda self: print)["responses"]

    assert found["403"].keys() == {"description"}


# The endpoints


def test_switched_off_endpoints_are_left_out(settings):
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False, "ISSUER": "not a URL"}

    schema = generate(
        path("auth/", include("tot_jwt.urls")), path("", include("tot_jwt.well_known_urls"))
    )

    assert schema["paths"].keys() == {"/auth/token", "/jwks.json"}


def test_endpoints_are_mounted_twice():
    schema = generate(
        path("auth/", include("tot_jwt.urls")),
        path("<slug:tenant>/auth/", include("tot_jwt.urls", namespace="tenant")),
        re_path(r"^(?P<zone>\w+)/", include("tot_jwt.well_known_urls")),
    )

    first = schema["paths"]["/auth/keys"]["post"]
    second = schema["paths"]["/{tenant}/auth/keys"]["post"]
    assert second["operationId"] == "tot_jwt_create_key_2"
    assert [each["name"] for each in second["parameters"]] == ["tenant"]
    for operation, number in (first, ""), (second, "_2"):
        link = operation["responses"]["201"]["links"]["tot_jwt_show_key"]
        assert link["operationId"] == f"tot_jwt_show_key{number}"
    [zone] = schema["paths"]["/{zone}/jwks.json"]["get"]["parameters"]
    assert (zone["name"], zone["in"]) == ("zone", "path")


def test_subclass_of_endpoint_is_described():
    view = type("HostTokenView", (TokenView,), {})

    schema = generate(path("token", view.as_view()))

    assert schema["paths"]["/token"].keys() == {"get", "post", "delete"}


def without_usage(endpoints):
    """Leave out endpoints, as a host's hook does."""
    return [each for each in endpoints if not each[0].endswith(("/usage", "/token"))]


def test_hook_of_host_leaves_out_endpoints():
    schema = generate(
        path("auth/", include("tot_jwt.urls")), PREPROCESSING_HOOKS=[f"{__name__}.without_usage"]
    )

    paths = schema["paths"]
    assert paths.keys() == {
        "/auth/keys",
        "/auth/keys/{totApiKey}",
        "/auth/keys/{totApiKey}/rotate",
    }
    links = paths["/auth/keys"]["post"]["responses"]["201"]["links"]
    assert "tot_jwt_show_key" in links
    assert "tot_jwt_show_key_usage" not in links


def test_prefixes_are_changed():
    auth = path("api/v1/", include("tot_jwt.urls"))
    prefix = {"SCHEMA_PATH_PREFIX": "/api/v[0-9]", "SCHEMA_PATH_PREFIX_TRIM": True}

    assert "/token" in generate(auth, **prefix)["paths"]
    inserted = generate(auth, SCHEMA_PATH_PREFIX_INSERT="/behind")["paths"]
    assert "/behind/api/v1/token" in inserted
    assert "/token" in generate(auth, **{**prefix, "SCHEMA_PATH_PREFIX": "/api/v1/"})["paths"]


def test_other_versions_of_openapi_fit():
    auth = path("auth/", include("tot_jwt.urls"))

    key = generate(auth)["components"]["schemas"]["TotApiKey"]
    newer = generate(auth, OAS_VERSION="3.1.0")["components"]["schemas"]["TotApiKey"]

    assert key["properties"]["expiresAt"]["nullable"] is True
    assert newer["properties"]["expiresAt"]["type"] == ["string", "null"]


def test_versioned_views_keep_their_schemes():
    view = type("Versioned", (Orders,), {"versioning_class": NamespaceVersioning})
    versions = [
        path(f"{name}/", include(([path("orders", view.as_view())], name))) for name in ("v1", "v2")
    ]

    schema = generate(*versions, path("auth/", include("tot_jwt.urls")), version="v2")

    assert schema["paths"]["/v2/orders"]["get"]["security"] == BEARER
    assert "/v1/orders" not in schema["paths"]
    assert "/auth/token" in schema["paths"]


def test_host_without_tot_jwt_is_unchanged():
    view = type("Public", (Orders,), {"authentication_classes": []})

    schema = generate(path("orders", view.as_view()))

    assert schema["components"].keys() == {"schemas"}
    assert schema["paths"]["/orders"]["get"]["responses"].keys() == {"200"}


def change_all(result, **kwargs):
    """Change each operation and component, however deep, as a host's hook does."""
    operations = [each for item in result["paths"].values() for each in item.values()]
    pending = [result["components"], *operations]
    while pending:
        part = pending.pop()
        values = part.values() if isinstance(part, dict) else part
        pending += [each for each in values if isinstance(each, dict | list)]
        if isinstance(part, dict):
            assert "x-changed" not in part
            part["x-changed"] = True
    return result


def test_later_hooks_change_copies(settings):
    settings.ROOT_URLCONF = "tests.urls"
    patterns = [path("auth/", include("tot_jwt.urls")), path("orders", Orders.as_view())]
    before = generate(*patterns)

    names = [f"{hooks.__name__}.postprocess", f"{__name__}.change_all"]

    with patched_settings({"POSTPROCESSING_HOOKS": names}):
        changed = SchemaGenerator(patterns=patterns).get_schema(public=True)

    assert changed["components"]["schemas"]["TotToken"]["x-changed"] is True
    assert generate(*patterns) == before


# Installation


def test_hook_is_installed_once():
    hooks.install()
    hooks.install()

    assert spectacular_settings.POSTPROCESSING_HOOKS.count(hooks.postprocess) == 1


def test_missing_drf_spectacular_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "drf_spectacular", None)
    folder = Path(tot_jwt.__file__).parent / "contrib" / "spectacular"

    with pytest.raises(ImproperlyConfigured, match=r"Install tot-jwt\[openapi\]"):
        runpy.run_path(str(folder / "__init__.py"))
