"""HasScopes, NotApiClient, Django's permissions and DRF's throttles with clients."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path
from rest_framework import generics, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from tests.support.faults import database_gone
from tests.support.requests import bearer, key_headers
from tests.support.uses import counted
from tests.views import Scoped, WhoAmI
from tot_jwt.access.verification import verify_token
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.http.errors import ApiError
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey
from tot_jwt.permissions import HasScopes, NotApiClient


def assert_insufficient_scope(answer, scope):
    """Assert that the response is the 403 that names the scope."""
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    challenge = f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'
    assert answer.headers["WWW-Authenticate"] == challenge


@pytest.fixture
def headers_with(make_key, make_token):
    """``headers_with("orders:read")``: return the headers of a client with these scopes."""
    return lambda *scopes: bearer(make_token(make_key(scopes=scopes)))


# HasScopes


def test_required_scope_grants_access(headers_with, client):
    assert client.get("/scoped", headers=headers_with("orders:read")).status_code == 200


def test_missing_scope_is_named_in_403(headers_with, client):
    assert_insufficient_scope(client.get("/scoped", headers=headers_with()), "orders:read")


def test_anonymous_request_is_challenged(db, client):
    assert client.get("/scoped").status_code == 401


def test_each_method_requires_its_scopes(headers_with, client):
    reader, writer = headers_with("orders:read"), headers_with("orders:read", "orders:write")

    assert client.get("/scoped-by-method", headers=reader).status_code == 200
    rejected = client.post("/scoped-by-method", headers=reader)
    assert_insufficient_scope(rejected, "orders:read orders:write")
    assert client.post("/scoped-by-method", headers=writer).status_code == 200


def test_head_requires_the_scopes_of_get(headers_with, client):
    assert client.head("/scoped-by-method", headers=headers_with()).status_code == 403
    assert client.head("/scoped-by-method", headers=headers_with("orders:read")).status_code == 200


def test_method_without_scopes_is_denied(headers_with, client):
    everything = headers_with("orders:read", "orders:write")

    answer = client.put("/scoped-by-method", headers=everything)

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_permissions")


def test_view_without_scopes_is_improperly_configured(headers_with, client):
    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        client.get("/unconfigured", headers=headers_with())


@pytest.mark.parametrize(
    "wrong", ["orders:read", {"GET": "orders:read"}, {"GET": None}, {"get": ["orders:read"]}]
)
def test_wrong_scopes_are_improperly_configured(headers_with, rf, wrong):
    request = rf.get("/", headers=headers_with())

    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        Scoped.as_view(required_scopes=wrong)(request)


def test_other_permission_may_replace_scopes(headers_with, make_user, client):
    assert client.get("/scoped-or-staff", headers=headers_with()).status_code == 403
    assert client.get("/scoped-or-staff", headers=headers_with("orders:read")).status_code == 200

    client.force_login(make_user())
    assert client.get("/scoped-or-staff").status_code == 403
    client.force_login(make_user(is_staff=True))
    assert client.get("/scoped-or-staff").status_code == 200


# HasScopes in compositions


class Nobody(BasePermission):
    def has_permission(self, request, view):
        return False


class ReadOnly(BasePermission):
    def has_permission(self, request, view):
        return request.method in SAFE_METHODS


class OwnScopes(HasScopes):
    """A host's subclass."""


class OtherScopes(HasScopes):
    """A host's subclass that requires a scope of its own."""

    def has_permission(self, request, view):
        other = SimpleNamespace(required_scopes=["other"], get_permissions=view.get_permissions)
        return super().has_permission(request, other)


class ScopedObject(Scoped):
    """A view that checks the permissions for an object too."""

    def get(self, request):
        self.check_object_permissions(request, object())
        return super().get(request)


@pytest.mark.parametrize("kind", [HasScopes, OwnScopes])
@pytest.mark.parametrize(
    "compose",
    [
        lambda kind: kind | ReadOnly,
        lambda kind: ReadOnly | kind,
        lambda kind: Nobody | Nobody | kind | ReadOnly,
        lambda kind: ReadOnly | (Nobody | kind),
        lambda kind: (kind & Nobody) | ReadOnly,
        lambda kind: (kind & ReadOnly) | ReadOnly,
        lambda kind: ReadOnly | (AllowAny & kind),
        lambda kind: (kind | ReadOnly) & AllowAny,
        lambda kind: kind | ~kind,
        lambda kind: ~(kind & ~kind),
        lambda kind: ~kind,
    ],
)
def test_composition_admits_without_scope(headers_with, rf, kind, compose):
    view = ScopedObject.as_view(permission_classes=[compose(kind)])

    assert view(rf.get("/", headers=headers_with())).status_code == 200


@pytest.mark.parametrize("kind", [HasScopes, OwnScopes])
@pytest.mark.parametrize(
    "compose",
    [
        lambda kind: kind | Nobody,
        lambda kind: Nobody | kind,
        lambda kind: (kind & AllowAny) | Nobody,
        lambda kind: Nobody | (AllowAny & kind),
        lambda kind: ~~kind,
        lambda kind: (kind | Nobody) & AllowAny,
    ],
)
def test_composition_denies_as_any_permission(headers_with, rf, kind, compose):
    view = ScopedObject.as_view(permission_classes=[compose(kind)])

    denied = view(rf.get("/", headers=headers_with()))
    assert (denied.status_code, denied.data["detail"].code) == (403, "permission_denied")
    assert view(rf.get("/", headers=headers_with("orders:read"))).status_code == 200


def test_negation_denies_holder_of_scope(headers_with, rf):
    view = ScopedObject.as_view(permission_classes=[~HasScopes])

    assert view(rf.get("/", headers=headers_with("orders:read"))).status_code == 403


@pytest.mark.parametrize("kind", [HasScopes, OwnScopes])
@pytest.mark.parametrize(
    "compose",
    [
        lambda kind: [kind],
        lambda kind: [AllowAny, kind],
        lambda kind: [kind & AllowAny],
        lambda kind: [AllowAny & kind],
        lambda kind: [AllowAny & (AllowAny & kind)],
        lambda kind: [(kind | Nobody) & kind],
        lambda kind: [kind | ReadOnly, kind],
        lambda kind: [kind, kind | ReadOnly],
    ],
)
def test_required_class_names_missing_scope(headers_with, rf, kind, compose):
    view = ScopedObject.as_view(permission_classes=compose(kind))

    answer = view(rf.get("/", headers=headers_with()))

    assert (answer.status_code, answer.data["code"]) == (403, "insufficient_scope")
    assert 'scope="orders:read"' in answer["WWW-Authenticate"]
    assert view(rf.get("/", headers=headers_with("orders:read"))).status_code == 200


def test_class_is_not_confused_with_subclass(headers_with, rf):
    view = Scoped.as_view(permission_classes=[OtherScopes | ReadOnly, HasScopes])

    assert view(rf.get("/", headers=headers_with("orders:read"))).status_code == 200


def test_view_without_permissions_is_answered(headers_with, make_key, make_token):
    client, _ = verify_token(make_token(make_key()), address="")
    request = SimpleNamespace(user=client, method="GET")

    assert HasScopes().has_permission(request, SimpleNamespace(required_scopes=["a"])) is False


@pytest.mark.req("D2")
@pytest.mark.parametrize(
    "composed",
    [
        HasScopes | Nobody,
        HasScopes | AllowAny,
        Nobody | HasScopes,
        ~HasScopes,
        HasScopes & AllowAny,
        (HasScopes & Nobody) | AllowAny,
    ],
)
def test_composition_without_database_is_503(headers_with, rf, composed):
    view = ScopedObject.as_view(permission_classes=[composed])
    headers = headers_with()
    view(rf.get("/", headers=headers))

    with database_gone():
        answer = view(rf.get("/", headers=headers))

    assert (answer.status_code, answer.data["code"]) == (503, "service_unavailable")


# HasScopes in an event loop


def test_loop_is_answered_from_cache(make_key, make_token, django_assert_num_queries):
    token = make_token(make_key(scopes=["orders:read"]))
    client = [verify_token(token, address="")[0] for _ in range(2)][1]
    request = SimpleNamespace(user=client, method="GET")

    async def ask(required, permission=HasScopes):
        view = Scoped(required_scopes=required, permission_classes=[permission])
        return view.get_permissions()[0].has_permission(request, view)

    with django_assert_num_queries(0):
        assert async_to_sync(ask)(["orders:read"]) is True
        assert async_to_sync(ask)(["orders:write"], HasScopes | Nobody) is False
        with pytest.raises(ApiError) as raised:
            async_to_sync(ask)(["orders:write"])
    assert raised.value.get_codes() == {
        "detail": "insufficient_scope",
        "code": "insufficient_scope",
    }


# Environments


@pytest.mark.parametrize("allowed", [["live"], ("live",), ["test"], ["test", "live"], None])
@pytest.mark.parametrize("environment", ["live", "test"])
def test_view_admits_its_environments(make_key, make_token, rf, allowed, environment):
    view = ScopedEnvironments.as_view(allowed_environments=allowed)
    key = make_key(environment=environment, scopes=["orders:read"])
    is_admitted = allowed is None or environment in allowed

    for headers in (bearer(make_token(key)), key_headers(key)):
        answer = view(rf.get("/", headers=headers))
        assert answer.status_code == (200 if is_admitted else 403)
        if not is_admitted:
            assert answer.data["code"] == "insufficient_permissions"


class ScopedEnvironments(ScopedObject):
    allowed_environments = None


def test_scopes_count_in_allowed_environment(headers_with, rf):
    view = ScopedEnvironments.as_view(allowed_environments=["live"])

    assert view(rf.get("/", headers=headers_with())).data["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("composed", "status", "code"),
    [
        (HasScopes & AllowAny, 403, "insufficient_permissions"),
        (HasScopes | ReadOnly, 200, None),
        (ReadOnly | HasScopes, 200, None),
        (~HasScopes, 200, None),
        (HasScopes | Nobody, 403, None),
    ],
)
def test_environment_is_composed_like_scopes(make_key, make_token, rf, composed, status, code):
    view = ScopedEnvironments.as_view(allowed_environments=["live"], permission_classes=[composed])
    key = make_key(environment="test", scopes=["orders:read"])

    answer = view(rf.get("/", headers=bearer(make_token(key))))

    assert (answer.status_code, answer.data.get("code")) == (status, code)


@pytest.mark.parametrize(
    "wrong", ["live", "", [], ["prod"], ["Live"], [None], ["live", "live"], {"GET": ["live"]}, 7]
)
def test_wrong_environments_are_improperly_configured(headers_with, rf, wrong):
    view = ScopedEnvironments.as_view(allowed_environments=wrong)

    with pytest.raises(ImproperlyConfigured, match="allowed_environments"):
        view(rf.get("/", headers=headers_with("orders:read")))


# NotApiClient


class Persons(Scoped):
    authentication_classes = [JWTAuthentication, ApiKeyAuthentication, SessionAuthentication]


@pytest.fixture
def statuses(make_key, make_token, make_user, rf):
    """``statuses([…])``: the statuses of a token, direct keys, a person and an anonymous request.

    The clients have the scope of the view.
    """

    def run(permission_classes):
        view = Persons.as_view(permission_classes=permission_classes)
        key = make_key(scopes=["orders:read"])
        requests = [
            rf.get("/", headers=each) for each in (bearer(make_token(key)), key_headers(key))
        ]
        person, anonymous = rf.get("/"), rf.get("/")
        person.user = make_user()
        return [view(each).status_code for each in (*requests, person, anonymous)]

    return run


@pytest.mark.parametrize(
    ("permission_classes", "expected"),
    [
        ([NotApiClient], [403, 403, 200, 200]),
        ([IsAuthenticated, NotApiClient], [403, 403, 200, 401]),
        ([NotApiClient & IsAuthenticated], [403, 403, 200, 401]),
        ([IsAuthenticated & (NotApiClient | HasScopes)], [200, 200, 200, 401]),
        ([~NotApiClient], [200, 200, 403, 401]),
    ],
)
def test_clients_are_kept_out(statuses, permission_classes, expected):
    assert statuses(permission_classes) == expected


def test_negation_holds_for_objects(make_key, make_token, rf):
    view = ScopedObject.as_view(permission_classes=[~NotApiClient])

    assert view(rf.get("/", headers=bearer(make_token(make_key())))).status_code == 200


def test_rejected_client_gets_documented_body(make_key, make_token, rf):
    request = rf.get("/", headers=bearer(make_token(make_key())))

    answer = WhoAmI.as_view(permission_classes=[NotApiClient])(request)

    assert (answer.status_code, answer.data) == (
        403,
        {"detail": "API key lacks necessary permissions", "code": "insufficient_permissions"},
    )


class Page(generics.CreateAPIView):
    """A view with a page for browsers, whose forms need another scope than its list."""

    authentication_classes = [JWTAuthentication]
    permission_classes = [HasScopes]
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]
    serializer_class = serializers.Serializer
    required_scopes = {"GET": ["orders:read"], "OPTIONS": ["orders:read"], "POST": ["x"]}

    def get(self, request):
        return Response("a list")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "accept", "status", "uses"),
    [
        ("get", "application/json", 200, (2, 0)),
        ("get", "text/html", 200, (2, 0)),
        ("options", "application/json", 200, (2, 0)),
        ("post", "text/html", 403, (1, 1)),
    ],
)
def test_questions_of_drf_are_not_refusals(make_key, make_token, rf, method, accept, status, uses):
    key = make_key(scopes=["orders:read"])
    headers = {**bearer(make_token(key)), "Accept": accept}

    answer = Page.as_view()(getattr(rf, method)("/", headers=headers)).render()

    assert answer.status_code == status
    assert counted(key) == uses


@pytest.mark.parametrize("name", ["HasScopes", "NotApiClient"])
def test_class_works_as_drfs_default(name):
    """DRF's module of views imports the defaults while it is imported itself."""
    code = f"""
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 32,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "tot_jwt"],
    REST_FRAMEWORK={{
        "DEFAULT_AUTHENTICATION_CLASSES": ["tot_jwt.authentication.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["tot_jwt.permissions.{name}"],
    }},
)
django.setup()
from rest_framework.views import APIView
print(APIView.permission_classes[0].__name__)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (run.stdout.strip(), run.stderr) == (name, "")


# Django's permissions and DRF's throttles


def test_scopes_work_as_model_permissions(headers_with, client):
    allowed = headers_with("tot_jwt.add_appdomain")
    denied = headers_with("tot_jwt.change_appdomain")

    assert client.post("/model-permissions", headers=allowed).status_code == 200
    assert client.post("/model-permissions", headers=denied).status_code == 403


def test_throttles_of_drf_count_per_key(make_key, make_token, client):
    one, other = make_key(), make_key()
    headers = [bearer(make_token(key)) for key in (one, one, one, other)]

    statuses = [client.get("/throttled", headers=each).status_code for each in headers]

    assert statuses == [200, 200, 429, 200]


# The cached state


@pytest.mark.req("A11")
@pytest.mark.parametrize("url", ["/scoped", "/model-permissions"])
def test_scope_granted_elsewhere_works_immediately(make_key, make_token, client, url):
    key = make_key(scopes=["orders:read", "tot_jwt.add_appdomain"])
    headers = bearer(make_token(key))
    row = ApiKey.objects.filter(pk=key.pk)
    row.update(scopes="")
    key_state.reset()
    assert client.post(url, headers=headers).status_code == 403

    row.update(scopes=key.scopes)  # as another process does: this one is not told

    assert client.post(url, headers=headers).status_code == 200


def test_missing_scope_outweighs_ended_key(make_key, make_token, client):
    key = make_key()
    headers = bearer(make_token(key))
    assert client.get("/me", headers=headers).status_code == 200
    ApiKey.objects.filter(pk=key.pk).update(generation=5)

    assert client.get("/scoped", headers=headers).status_code == 403


@pytest.mark.req("D2")
def test_unavailable_database_is_503_for_scopes(headers_with, client):
    headers = headers_with()
    assert_insufficient_scope(client.get("/scoped", headers=headers), "orders:read")

    with database_gone():
        answer = client.get("/scoped", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


@pytest.mark.req("D2")
def test_unavailable_database_denies_model_permissions(headers_with, client):
    headers = headers_with()
    client.get("/me", headers=headers)

    with database_gone():
        assert client.post("/model-permissions", headers=headers).status_code == 403


# Scopes by action


class Orders(ViewSet):
    authentication_classes = [JWTAuthentication, ApiKeyAuthentication]
    permission_classes = [HasScopes]
    required_scopes = {
        "list": ["orders:read"],
        "create": ["orders:write"],
        "cancel": [],
        "GET": ["reports:read"],
        "metadata": ["orders:read"],
    }

    def list(self, request):
        return Response("listed")

    def create(self, request):
        return Response("created")

    def retrieve(self, request, pk):
        return Response("by method")

    def destroy(self, request, pk):
        return Response("never")  # pragma: no cover: the action is not listed

    @action(methods=["post"], detail=True)
    def cancel(self, request, pk):
        return Response("cancelled")

    @action(detail=False, required_scopes=["reports:read", "orders:read"])
    def report(self, request):
        return Response("a report")

    @action(methods=["post", "put"], detail=False, required_scopes={"POST": ["orders:write"]})
    def bulk(self, request):
        return Response("in bulk")


router = SimpleRouter()
router.register("orders", Orders, basename="orders")
urlpatterns = [*router.urls, path("api/internal/auth/", include("tot_jwt.urls"))]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("method", "url", "scopes", "status"),
    [
        ("GET", "/orders/", ["orders:read"], 200),
        ("HEAD", "/orders/", ["orders:read"], 200),
        ("HEAD", "/orders/", ["reports:read"], 403),
        ("GET", "/orders/", ["orders:write", "reports:read"], 403),
        ("POST", "/orders/", ["orders:write"], 200),
        ("POST", "/orders/", ["orders:read"], 403),
        ("OPTIONS", "/orders/", ["orders:read"], 200),
        ("OPTIONS", "/orders/", ["orders:write"], 403),
        ("GET", "/orders/1/", ["reports:read"], 200),
        ("HEAD", "/orders/1/", ["reports:read"], 200),
        ("GET", "/orders/1/", ["orders:read"], 403),
        ("DELETE", "/orders/1/", ["orders:read", "orders:write", "reports:read"], 403),
        ("POST", "/orders/1/cancel/", [], 200),
        ("GET", "/orders/report/", ["reports:read", "orders:read"], 200),
        ("GET", "/orders/report/", ["reports:read"], 403),
        ("POST", "/orders/bulk/", ["orders:write"], 200),
        ("PUT", "/orders/bulk/", ["orders:write"], 403),
    ],
)
def test_each_action_requires_its_scopes(headers_with, client, method, url, scopes, status):
    answer = client.generic(method, url, headers=headers_with(*scopes))

    assert answer.status_code == status


@pytest.mark.urls(__name__)
def test_missing_scope_of_action_is_named(headers_with, client):
    rejected = client.get("/orders/report/", headers=headers_with())

    assert_insufficient_scope(rejected, "reports:read orders:read")


@pytest.mark.parametrize(
    "wrong", [{"list": "orders:read"}, {"list": None}, {"get": ["a"]}, {"list": ["a"], "head": []}]
)
def test_wrong_scopes_of_actions_are_reported(headers_with, rf, wrong):
    view = Orders.as_view({"get": "list"}, required_scopes=wrong)

    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        view(rf.get("/", headers=headers_with()))
