"""``GET keys/{totApiKey}/usage``: how often a key and its tokens were used."""

from rest_framework.request import Request
from rest_framework.response import Response

from tot_jwt.access.sessions import find_key
from tot_jwt.api import requests, responses
from tot_jwt.api.base import ContractView
from tot_jwt.api.keys import key_session
from tot_jwt.keys.usage import of_key


class UsageView(ContractView):
    """``GET keys/{totApiKey}/usage``."""

    http_method_names = ["get", "head"]
    captured = ("public_key",)

    def get(self, request: Request, public_key: str) -> Response:
        """Show the hours in which the key was used, the oldest first."""
        key = find_key(key_session(request).client, public_key)
        period = requests.read_period(request._request)
        return Response(responses.usage(key.public_key, of_key(key.public_key, *period)))
