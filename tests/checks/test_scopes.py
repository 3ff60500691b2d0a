"""The check of the scopes that views require."""

import pytest
from django.core.checks import run_checks
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_page
from django.views.generic import View
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action, api_view
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from tests.views import Scoped, WhoAmI
from tot_jwt.checks import check_required_scopes
from tot_jwt.permissions import HasScopes, NotApiClient

KNOWN = {"orders:read": "Read"}
HERE = "tests.checks.test_scopes"


class Host:
    """A URLconf of one view."""

    def __init__(self, *patterns):
        self.urlpatterns = list(patterns)


def found(settings, *patterns, scopes=KNOWN, **others):
    """Return the views and scopes that the check names in a URLconf of these patterns."""
    settings.TOT_JWT = {"SCOPES": scopes, **others}
    settings.ROOT_URLCONF = Host(*patterns)
    messages = check_required_scopes()
    assert {message.id for message in messages} <= {"tot_jwt.W017"}
    return [(text.split()[0], text.split("'")[1]) for text in (each.msg for each in messages)]


class OwnScopes(HasScopes):
    pass


class Chooses(Scoped):
    """A view that chooses its permissions."""

    def get_permissions(self):
        return [HasScopes()]  # pragma: no cover: the check does not call it


class ElsewhereChooses(Chooses):
    authentication_classes = [SessionAuthentication]


class Unread(WhoAmI):
    permission_classes = {"GET": HasScopes}


class Actions(ViewSet):
    permission_classes = [HasScopes]
    required_scopes = {"list": ["orders:read"], "create": ["orders:write"], "PUT": ["b", "a"]}

    def list(self, request): ...  # pragma: no cover

    def create(self, request): ...  # pragma: no cover

    @action(detail=False, required_scopes=["reports:read"])
    def report(self, request): ...  # pragma: no cover


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"required_scopes": ["orders:write2"]}, ["orders:write2"]),
        ({"required_scopes": ("orders:read", "b", "a")}, ["a", "b"]),
        ({"required_scopes": {"GET": ["orders:read"], "POST": ["x"]}}, ["x"]),
        ({"required_scopes": ["orders:read", "keys:manage"]}, []),
        ({"required_scopes": []}, []),
        ({}, []),
        ({"required_scopes": None}, []),
        ({"required_scopes": "orders:write2"}, []),
        ({"required_scopes": {"GET": "orders:write2"}}, []),
        ({"required_scopes": [7, ["x"], "y"]}, ["y"]),
    ],
)
def test_unknown_scope_of_view_warns(settings, options, expected):
    pattern = path("a", Scoped.as_view(**options))

    assert found(settings, pattern) == [("tests.views.Scoped", each) for each in expected]


@pytest.mark.parametrize(
    ("permissions", "warns"),
    [
        ([HasScopes], True),
        ([OwnScopes], True),
        ([HasScopes | IsAdminUser], True),
        ([IsAdminUser | (AllowAny & ~OwnScopes)], True),
        ((IsAuthenticated, HasScopes), True),
        ([IsAuthenticated, NotApiClient | ~AllowAny], False),
        ([], False),
        (None, False),
    ],
)
def test_view_with_class_is_found(settings, permissions, warns):
    pattern = path("a", Scoped.as_view(permission_classes=permissions, required_scopes=["x"]))

    assert bool(found(settings, pattern)) is warns


@pytest.mark.parametrize(
    ("view", "warns"), [(Chooses, True), (ElsewhereChooses, False), (Unread, False)]
)
def test_view_may_choose_its_permissions(settings, view, warns):
    view = type("Named", (view,), {"required_scopes": ["x"]})

    assert bool(found(settings, path("a", view.as_view()))) is warns


def test_actions_of_view_set_are_checked(settings):
    router = SimpleRouter()
    router.register("a", Actions, basename="a")

    assert found(settings, *router.urls) == [
        (f"{HERE}.Actions", scope) for scope in ("a", "b", "orders:write", "reports:read")
    ]


def test_each_view_warns_once(settings):
    view = Scoped.as_view(required_scopes=["x"])
    nested = include([re_path("^b$", cache_page(60)(view)), path("c/", include([path("d", view)]))])

    expected = [("tests.views.Scoped", "x")]
    assert found(settings, path("a", view), path("<slug:x>/", nested)) == expected


def test_views_of_others_are_skipped(settings):
    odd = Scoped.as_view(required_scopes=["x"])
    odd.cls = "x"

    assert found(settings, path("a", View.as_view()), path("b", odd), path("c", len)) == []


@pytest.mark.parametrize("scopes", [{}, None, [], "abc", 7])
def test_check_needs_list_of_scopes(settings, scopes):
    pattern = path("a", Scoped.as_view(required_scopes=["x"]))

    assert found(settings, pattern, scopes=scopes) == []


@pytest.mark.parametrize("urlconf", ["nowhere.urls", "tests.support.draws", "", None])
def test_broken_urlconf_is_left_to_django(settings, urlconf):
    settings.TOT_JWT = {"SCOPES": KNOWN}
    settings.ROOT_URLCONF = urlconf

    assert check_required_scopes() == []


def test_function_view_has_its_name(settings):
    @api_view()
    def stock(request): ...  # pragma: no cover

    stock.cls.permission_classes = [HasScopes]
    stock.cls.required_scopes = ["x"]

    assert found(settings, path("a", stock)) == [(f"{HERE}.stock", "x")]


@pytest.mark.parametrize("scopes", [KNOWN, {}])
def test_scope_without_tokens_warns(settings, scopes):
    pattern = path("a", Scoped.as_view(required_scopes=["keys:manage"]))

    assert found(settings, pattern, scopes=scopes) == []
    assert found(settings, pattern, scopes=scopes, TOKENS_MANAGE_KEYS=False) == [
        ("tests.views.Scoped", "keys:manage")
    ]


@pytest.mark.django_db
def test_check_runs_with_the_others(settings):
    settings.TOT_JWT = {"SCOPES": {"orders:read": "Read"}}

    messages = [str(message.msg) for message in run_checks() if message.id == "tot_jwt.W017"]

    assert [text.split(",")[0] for text in messages] == [
        "tests.views.ScopedByMethod requires the scope 'orders:write'"
    ]
