"""The endpoints' URLs: ``path("api/internal/auth/", include("tot_jwt.urls"))``.

A trailing slash is optional.
"""

from django.urls import re_path

from tot_jwt.api.keys import KeysView, KeyView, RotateView
from tot_jwt.api.token import TokenView
from tot_jwt.api.usage import UsageView

app_name = "tot_jwt"

urlpatterns = [
    re_path(r"^token/?\Z", TokenView.as_view(), name="token"),
    re_path(r"^keys/?\Z", KeysView.as_view(), name="keys"),
    re_path(r"^keys/(?P<public_key>[\s\S]+?)/rotate/?\Z", RotateView.as_view(), name="rotate"),
    re_path(r"^keys/(?P<public_key>[\s\S]+?)/usage/?\Z", UsageView.as_view(), name="usage"),
    re_path(r"^keys/(?P<public_key>[\s\S]+?)/?\Z", KeyView.as_view(), name="key"),
]
