"""The package's endpoints, dj-rest-auth's, and the views of the host."""

from typing import Any

from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tests.hosts.models import RECIPES
from tests.hosts.views import CamelCase, Orders, Plain

reports: Any = RECIPES["Reports"]
router = SimpleRouter()
router.register("reports", reports, basename="reports")

urlpatterns = [
    *router.urls,
    path("admin/", admin.site.urls),
    path("api/internal/auth/", include("tot_jwt.urls")),
    path("auth/", include("dj_rest_auth.urls")),
    path("orders", Orders.as_view()),
    path("plain", Plain.as_view()),
    path("camel-case", CamelCase.as_view()),
]
