"""The views, and the endpoint that issues tokens."""

from django.urls import include, path

from tests.frameworks import views

urlpatterns = [
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("reference", views.Reference.as_view()),
    path("function", views.function),
    path("async-function", views.async_function),
    path("class", views.Class.as_view()),
    path("async-class", views.AsyncClass.as_view()),
    path("asks-for-more", views.asks_for_more),
    path("any-token", views.any_token),
    path("has-a-bug", views.has_a_bug),
    path("returns-nothing", views.returns_nothing),
    path("writes", views.writes),
]
