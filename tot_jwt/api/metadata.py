"""What clients and verifiers discover: the public keys, and the metadata of the server.

RFC 7517 (JWKS), RFC 8414 (metadata), and OpenID Connect Discovery, whose readers find the same.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from django.urls import NoReverseMatch, reverse
from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.api.base import ContractView
from tot_jwt.conf import settings
from tot_jwt.exceptions import ResourceNotFound
from tot_jwt.http.headers import PUBLIC, reads_authorization
from tot_jwt.http.oauth import GRANT_TYPE
from tot_jwt.rules.issuer import issuer_url
from tot_jwt.rules.scopes import KEYS_MANAGE
from tot_jwt.tokens.backend import backend

#: The members with URLs → the names in the URLconf.
_ENDPOINTS = {
    "token_endpoint": "tot_jwt_oauth:token",
    "introspection_endpoint": "tot_jwt_oauth:introspect",
    "revocation_endpoint": "tot_jwt_oauth:revoke",
    "jwks_uri": "tot_jwt_well_known:jwks",
}


class PublicView(ContractView):
    """A view whose responses caches may share for some minutes. They do not store its errors."""

    http_method_names = ["get", "head"]

    def respond(self, body: dict[str, Any]) -> Response:
        """Return a response that may be cached."""
        self.headers = {"Allow": self.headers["Allow"], **PUBLIC}
        return Response(body)


class JwksView(PublicView):
    """``GET .well-known/jwks.json``."""

    def get(self, request: Request) -> Response:
        """Show the public keys that verify tokens. Secrets are not among them."""
        return self.respond({"keys": backend().ring.public_jwks()})


class MetadataView(PublicView):
    """``GET .well-known/oauth-authorization-server``, and the same at ``openid-configuration``."""

    captured = ("issuer_path",)

    def get(self, request: Request, issuer_path: str) -> Response:
        """Show the metadata, if ISSUER is a URL.

        RFC 8414 §3.1 appends the path of the issuer to the URL.
        """
        issuer = issuer_url()
        if issuer is None or issuer_path.strip("/") not in ("", unquote(issuer.path).strip("/")):
            raise ResourceNotFound
        return self.respond(_metadata(f"{issuer.scheme}://{issuer.netloc}"))


def _metadata(origin: str) -> dict[str, Any]:
    methods, bearer = ["client_secret_post"], []
    if reads_authorization():
        methods, bearer = ["client_secret_basic", *methods], ["Bearer"]
    return {
        "issuer": settings.ISSUER,
        **_endpoints(origin),
        **_scopes(),
        # There is no authorization endpoint. Both specifications require the member, and some
        # clients reject an empty list.
        "response_types_supported": ["none"],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [*methods, *bearer],
        "revocation_endpoint_auth_methods_supported": methods,
        # Readers of OpenID Connect Discovery require these two.
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.ALGORITHM],
    }


def _endpoints(origin: str) -> dict[str, str]:
    """Return the URLs of the endpoints that the host mounts."""
    urls = {}
    for member, name in _ENDPOINTS.items():
        with suppress(NoReverseMatch):
            urls[member] = origin + reverse(name)
    return urls


def _scopes() -> dict[str, list[str]]:
    """Return the member with the scopes. RFC 8414 §3.2 leaves out empty lists."""
    own = [KEYS_MANAGE] if settings.TOKENS_MANAGE_KEYS else []
    scopes = sorted([*settings.SCOPES, *own])
    return {"scopes_supported": scopes} if scopes else {}
