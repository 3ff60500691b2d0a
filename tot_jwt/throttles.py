"""A DRF throttle that applies the rate limits of API keys and of their domains."""

from typing import TYPE_CHECKING, NoReturn

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tot_jwt.access.limits import Limit, Quota, count_request
from tot_jwt.exceptions import TooManyRequests
from tot_jwt.http.addresses import client_address
from tot_jwt.http.caching import add_headers, http_request
from tot_jwt.http.errors import ApiError
from tot_jwt.principal import client_of

if TYPE_CHECKING:
    # Importing it would make a circle if the class is a default of the host: DRF's module of views
    # imports the defaults.
    from rest_framework.views import APIView

#: The names of the policies in the headers.
_NAMES = {Limit.REQUESTS_OF_KEY: "key", Limit.REQUESTS_OF_DOMAIN: "domain"}


class ApiKeyThrottle(BaseThrottle):
    """Throttle for API clients: the limit of their key, and that of their domain.

    Requests with a key and with its tokens count together. A key without a limit has that of its
    creator, or else RATE_LIMIT. Responses have the headers RateLimit-Policy and RateLimit for the
    limit that is nearest. Other users pass.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Return True, or raise ApiError with status 429."""
        client = client_of(request)
        if client is None:
            return True
        quotas = count_request(client, client_address(http_request(request).META))
        if quotas:
            nearest = min(quotas, key=lambda limit: _distance(quotas[limit]))
            add_headers(request, _headers(_NAMES[nearest], quotas[nearest]))
            if any(quota.is_exceeded for quota in quotas.values()):
                _reject(request, quotas[nearest].reset)
        return True


def _distance(quota: Quota) -> tuple[int, int, bool]:
    """Return what is smallest for the quota that ends first and, of two, that lasts longer."""
    return quota.remaining, -quota.reset, not quota.is_exceeded


def _headers(name: str, quota: Quota) -> dict[str, str]:
    """Return the headers for the quota (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": f'"{name}";q={quota.rate.limit};w={quota.rate.period}',
        "RateLimit": f'"{name}";r={quota.remaining};t={quota.reset}',
    }


def _reject(request: Request, retry_after: int) -> NoReturn:
    # DRF's exception handler sends this header, but a host may have another one.
    add_headers(request, {"Retry-After": str(retry_after)})
    raise ApiError(TooManyRequests(retry_after))
