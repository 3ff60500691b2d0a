"""The keys endpoints: a token manages the keys of its domain and environment."""

from urllib.parse import urlencode

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.access import delegation
from tot_jwt.access.refusals import reject
from tot_jwt.access.sessions import KeySession, find_key, visible_keys
from tot_jwt.api import requests, responses
from tot_jwt.api.base import ContractView
from tot_jwt.api.pages import Cursor, page_of
from tot_jwt.authentication import StrictJWTAuthentication
from tot_jwt.conf import settings
from tot_jwt.exceptions import InsufficientScope, ResourceNotFound
from tot_jwt.http.addresses import client_address
from tot_jwt.rules.scopes import KEYS_MANAGE
from tot_jwt.rules.status import KeyStatus


class KeysView(ContractView):
    """``GET keys`` lists the keys of the caller's domain, ``POST keys`` creates one."""

    def get(self, request: Request) -> Response:
        """List one page of the keys, newest first."""
        client = key_session(request).client
        status = requests.read_status(request._request)
        cursor = requests.read_cursor(request._request)
        visible = visible_keys(client)
        place = visible.get_exact(cursor.public_key) if cursor else None
        if cursor and place is None:
            raise requests.invalid_cursor()
        keys = visible if status is None else visible.with_status(status)
        page = page_of(keys, cursor, place)
        return Response(
            {
                "count": keys.count(),
                "next": _page_url(request, status, page.next),
                "previous": _page_url(request, status, page.previous),
                "results": [responses.api_key(key) for key in page.keys],
            }
        )

    def post(self, request: Request) -> Response:
        """Create a key, and show its secret this once."""
        session = key_session(request)
        key, secret = delegation.create_key(session, requests.read_new_key(request._request))
        return Response(responses.new_api_key(key, secret), 201)


class KeyView(ContractView):
    """``GET``, ``PATCH`` and ``DELETE keys/{totApiKey}``."""

    http_method_names = ["get", "head", "patch", "delete"]
    captured = ("public_key",)

    def get(self, request: Request, public_key: str) -> Response:
        """Show a key."""
        key = find_key(key_session(request).client, public_key)
        return Response(responses.api_key(key))

    def patch(self, request: Request, public_key: str) -> Response:
        """Change a key."""
        session = key_session(request)
        key = find_key(session.client, public_key)
        fields = requests.read_changes(request._request)
        return Response(responses.api_key(delegation.change_key(session, key, fields)))

    def delete(self, request: Request, public_key: str) -> Response:
        """Revoke a key."""
        session = key_session(request)
        key = find_key(session.client, public_key)
        delegation.revoke_key(session, key, force=requests.read_flag(request._request, "force"))
        return Response(status=204)


class RotateView(ContractView):
    """``POST keys/{totApiKey}/rotate``."""

    http_method_names = ["post"]
    captured = ("public_key",)

    def post(self, request: Request, public_key: str) -> Response:
        """Give a key a new secret, and show it this once."""
        session = key_session(request)
        key = find_key(session.client, public_key)
        secret, grace, revoke_created_keys = requests.read_rotation(request._request)
        key, new_secret = delegation.rotate_key(
            session, key, secret=secret, grace=grace, revoke_created_keys=revoke_created_keys
        )
        return Response(responses.new_api_key(key, new_secret))


@sensitive_variables()
def key_session(request: Request) -> KeySession:
    """Return the session of a caller whose token has `keys:manage`.

    Raises ResourceNotFound if TOKENS_MANAGE_KEYS is off; ApiError, InsufficientScope.
    """
    if not settings.TOKENS_MANAGE_KEYS:
        raise ResourceNotFound
    client, token = StrictJWTAuthentication().authenticate(request)
    address = client_address(request.META)
    if not client.has_scope(KEYS_MANAGE):
        refusal = InsufficientScope([KEYS_MANAGE])
        reject(refusal, client, jti=token["jti"], address=address)
        raise refusal
    return KeySession(client, token, address)


def _page_url(request: Request, status: KeyStatus | None, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    query = {"status": status.value} if status else {}
    return request.build_absolute_uri(f"?{urlencode(query | {'cursor': cursor.encode()})}")
