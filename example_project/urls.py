"""The URLs of the start page, of the admin, of tot_jwt, of the API's schema and of the shop."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from example_project.views import home

urlpatterns = [
    path("", home),
    path("admin/", admin.site.urls),
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("oauth/", include("tot_jwt.oauth_urls")),
    path(".well-known/", include("tot_jwt.well_known_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(), name="docs"),
    path("api/", include("example_project.shop.urls")),
]
