"""The OAuth endpoints: RFC 6749 §4.4 (token), RFC 7662 (introspect) and RFC 7009 (revoke)."""

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.access import introspection
from tot_jwt.access.exchange import exchange
from tot_jwt.access.refusals import report_refusal
from tot_jwt.access.verification import verify_keys, verify_token
from tot_jwt.api import responses
from tot_jwt.api.base import ContractView
from tot_jwt.conf import settings
from tot_jwt.exceptions import InvalidCredentials, InvalidRequest, TotJWTError
from tot_jwt.http import oauth
from tot_jwt.http.addresses import client_address
from tot_jwt.http.headers import bearer
from tot_jwt.http.oauth_errors import OAuthError
from tot_jwt.principal import ApiClient
from tot_jwt.rules.credentials import Credentials


class OAuthView(ContractView):
    """A view whose errors have the format of RFC 6749 §5.2."""

    http_method_names = ["post"]

    def translate(self, error: TotJWTError) -> APIException:
        """Return DRF's exception for ours."""
        return OAuthError(error)


class OAuthTokenView(OAuthView):
    """``POST oauth/token`` exchanges the client's credentials for a token."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Issue a token."""
        sent = request._request
        parameters = oauth.read_parameters(sent)
        scopes = oauth.read_grant(parameters)
        address = client_address(sent.META)
        issued = exchange(_credentials(sent, parameters, address), scopes, address=address)
        return Response(responses.oauth_token(issued))


class IntrospectView(OAuthView):
    """``POST oauth/introspect`` tells a resource server what a token grants now."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Introspect a token."""
        sent = request._request
        parameters = oauth.read_parameters(sent)
        address = client_address(sent.META)
        caller, jti = _caller(sent, parameters, address)
        raw = oauth.required(parameters, "token")
        active = introspection.introspect(raw, caller=caller, jti=jti, address=address)
        return Response(responses.introspection(active))


class RevokeView(OAuthView):
    """``POST oauth/revoke`` revokes one token of the client."""

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Revoke a token."""
        sent = request._request
        parameters = oauth.read_parameters(sent)
        address = client_address(sent.META)
        caller, _ = verify_keys(_credentials(sent, parameters, address), address=address)
        raw = oauth.required(parameters, "token")
        introspection.revoke(raw, caller=caller, address=address)
        return Response({})


@sensitive_variables()
def _credentials(request: HttpRequest, parameters: oauth.Parameters, address: str) -> Credentials:
    """Return the credentials of the client. A request without usable ones leaves a trace."""
    try:
        return oauth.read_client(request, parameters)
    except InvalidCredentials as refusal:
        report_refusal(refusal, address=address)
        raise


@sensitive_variables()
def _caller(
    request: HttpRequest, parameters: oauth.Parameters, address: str
) -> tuple[ApiClient, str]:
    """Return the client that calls, and the `jti` of its token: `""` if it sends its keys."""
    raw = bearer(request.META, settings.TOKEN_HEADER)
    if raw is None:
        client, _ = verify_keys(_credentials(request, parameters, address), address=address)
        return client, ""
    if oauth.CLIENT_SECRET in parameters:
        raise InvalidRequest("two_methods")
    client, token = verify_token(raw, address=address)
    return client, token["jti"]
