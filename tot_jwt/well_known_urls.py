"""The URLs of discovery: ``path(".well-known/", include("tot_jwt.well_known_urls"))``.

A trailing slash is optional. RFC 8414 §3.1 puts the path of the issuer after its URL.
"""

from django.urls import re_path

from tot_jwt.api.metadata import JwksView, MetadataView

app_name = "tot_jwt_well_known"

urlpatterns = [
    re_path(r"^jwks\.json/?\Z", JwksView.as_view(), name="jwks"),
    re_path(
        r"^oauth-authorization-server(?P<issuer_path>(?:/[\s\S]*)?)\Z",
        MetadataView.as_view(),
        name="oauth-authorization-server",
    ),
    re_path(
        r"^openid-configuration(?P<issuer_path>/?)\Z",
        MetadataView.as_view(),
        name="openid-configuration",
    ),
]
