"""The endpoints: parse, call the use case, respond."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.access import delegation
from tot_jwt.access.delegation import Session
from tot_jwt.api import requests as key_requests
from tot_jwt.api import responses as serializers
from tot_jwt.api.base import ContractView
from tot_jwt.authentication import StrictJWTAuthentication
from tot_jwt.conf import settings
from tot_jwt.exceptions import InsufficientScope, ResourceNotFound
from tot_jwt.http.addresses import client_address
from tot_jwt.rules.scopes import KEYS_MANAGE
from tot_jwt.rules.status import KeyStatus

PAGE_SIZE = 50


class KeysView(ContractView):
    """``GET keys`` lists the keys of the caller's domain and environment, ``POST keys`` makes one."""

    def get(self, request: Request) -> Response:
        session = manager(request)
        status = key_requests.read_status(request._request)
        keys = delegation.visible_keys(session.client)
        paginator = Paginator(keys if status is None else keys.with_status(status), PAGE_SIZE)
        number = key_requests.read_page_number(request._request)
        if number not in paginator.page_range:
            raise ResourceNotFound
        page = paginator.page(number)
        return Response(
            {
                "count": paginator.count,
                "next": _page_url(request, status, page.number + 1) if page.has_next() else None,
                "previous": _page_url(request, status, page.number - 1)
                if page.has_previous()
                else None,
                "results": [serializers.api_key(key) for key in page],
            }
        )

    def post(self, request: Request) -> Response:
        session = manager(request)
        key, secret = delegation.create_key(session, key_requests.read_new_key(request._request))
        return Response(serializers.new_api_key(key, secret), 201)


class KeyView(ContractView):
    """``GET``, ``PATCH`` and ``DELETE keys/{totApiKey}``."""

    http_method_names = ["get", "head", "patch", "delete"]
    captured = ("public_key",)

    def get(self, request: Request, public_key: str) -> Response:
        return Response(
            serializers.api_key(delegation.find_key(manager(request).client, public_key))
        )

    def patch(self, request: Request, public_key: str) -> Response:
        session = manager(request)
        key = delegation.find_key(session.client, public_key)
        changes = key_requests.read_changes(request._request)
        return Response(serializers.api_key(delegation.change_key(session, key, changes)))

    def delete(self, request: Request, public_key: str) -> Response:
        session = manager(request)
        key = delegation.find_key(session.client, public_key)
        cascade, force = key_requests.read_flags(request._request, "cascade", "force")
        delegation.revoke_key(session, key, cascade=cascade, force=force)
        return Response(status=204)


class RotateView(ContractView):
    """``POST keys/{totApiKey}/rotate`` gives a key a new secret."""

    http_method_names = ["post"]
    captured = ("public_key",)

    def post(self, request: Request, public_key: str) -> Response:
        session = manager(request)
        key = delegation.find_key(session.client, public_key)
        wanted = key_requests.read_rotation(request._request)
        rotated, secret = delegation.rotate_key(
            session, key, secret=wanted.secret, grace=wanted.grace, cascade=wanted.cascade
        )
        return Response(serializers.new_api_key(rotated, secret))


def manager(request: Request) -> Session:
    """Who calls with a token that may manage keys. Raises ResourceNotFound where the host has switched that off."""
    if not settings.TOKENS_MANAGE_KEYS:
        raise ResourceNotFound
    client, token = StrictJWTAuthentication().authenticate(request)
    if not client.has_scope(KEYS_MANAGE):
        raise InsufficientScope([KEYS_MANAGE])
    return Session(client, token, client_address(request.META))


def _page_url(request: Request, status: KeyStatus | None, number: int) -> str:
    query = {"status": status.value} if status else {}
    return request.build_absolute_uri(f"?{urlencode(query | {'page': str(number)})}")
