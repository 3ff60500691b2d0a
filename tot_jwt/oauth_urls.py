"""The OAuth endpoints' URLs: ``path("oauth/", include("tot_jwt.oauth_urls"))``.

A trailing slash is optional.
"""

from django.urls import re_path

from tot_jwt.api.oauth import IntrospectView, OAuthTokenView, RevokeView

app_name = "tot_jwt_oauth"

urlpatterns = [
    re_path(r"^token/?\Z", OAuthTokenView.as_view(), name="token"),
    re_path(r"^introspect/?\Z", IntrospectView.as_view(), name="introspect"),
    re_path(r"^revoke/?\Z", RevokeView.as_view(), name="revoke"),
]
