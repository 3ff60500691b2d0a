"""The token endpoint."""

from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.access.exchange import exchange
from tot_jwt.api import responses
from tot_jwt.api.base import ContractView
from tot_jwt.authentication import StrictJWTAuthentication
from tot_jwt.http.addresses import client_address
from tot_jwt.http.credentials import read_exchange
from tot_jwt.keys.tokens import revoke_token


class TokenView(ContractView):
    """``POST token`` exchanges API keys for a token; GET verifies one, DELETE revokes it."""

    http_method_names = ["get", "head", "post", "delete"]

    def post(self, request: Request) -> Response:
        """Exchange API keys for a token."""
        credentials, scopes = read_exchange(request._request)
        issued = exchange(credentials, scopes, address=client_address(request.META))
        return Response(responses.issued_token(issued))

    def get(self, request: Request) -> Response:
        """Verify a token."""
        _, token = StrictJWTAuthentication().authenticate(request)
        return Response(responses.verified_token(token))

    def delete(self, request: Request) -> Response:
        """Revoke the presented token, and no other."""
        _, token = StrictJWTAuthentication().authenticate(request)
        revoke_token(token, client_address(request.META))
        return Response(status=204)
