"""The admin, the endpoints where the documentation mounts them, and the views of a host."""

from django.contrib import admin
from django.urls import include, path

from tests import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("oauth/", include("tot_jwt.oauth_urls")),
    path(".well-known/", include("tot_jwt.well_known_urls")),
    path("<slug:tenant>/auth/", include("tot_jwt.urls", namespace="by-tenant")),
    path("me", views.WhoAmI.as_view()),
    path("anyone", views.Anyone.as_view()),
    path("session-first", views.SessionFirst.as_view()),
    path("keys-only", views.KeysOnly.as_view()),
    path("beside-simplejwt", views.BesideSimpleJWT.as_view()),
    path("simplejwt", views.SimpleJWTOnly.as_view()),
    path("simplejwt-stateless", views.StatelessSimpleJWTOnly.as_view()),
    path("scoped", views.Scoped.as_view()),
    path("scoped-by-method", views.ScopedByMethod.as_view()),
    path("scoped-or-staff", views.ScopedOrStaff.as_view()),
    path("unconfigured", views.Unconfigured.as_view()),
    path("model-permissions", views.ModelPermissions.as_view()),
    path("throttled", views.Throttled.as_view()),
]
