"""The URLs of the admin, of tot_jwt and of the shop."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("api/", include("example_project.shop.urls")),
]
