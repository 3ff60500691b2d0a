"""The URLs of a host with django-grappelli."""

from django.urls import include, path

from tests.urls import urlpatterns as plain_patterns

urlpatterns = [path("grappelli/", include("grappelli.urls")), *plain_patterns]
