"""What `TokenAuth` is in both libraries."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from tot_jwt.client.answers import Answer
from tot_jwt.client.clock import Clock, Deadline
from tot_jwt.client.credentials import Credentials, scopes_of
from tot_jwt.client.exceptions import Unavailable
from tot_jwt.client.origins import allowed_origins
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.session import TokenSession
from tot_jwt.client.shared import Cache
from tot_jwt.client.steps import Steps

#: The headers of the exchange. A compressed answer could be larger than it seems.
HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "tot-jwt-client",
}
#: Of the exchange: for the connection, and between two bytes of the answer. In seconds.
_TIMEOUT: Final = 10.0


class BaseTokenAuth(ABC):
    """Sends a token with each request, and gets another in time.

    ``scopes`` narrows the token. ``cache`` shares it between processes. ``origins`` are the origins
    that get the token: by default that of the token URL. Raises ValueError for a URL without TLS
    to another machine, unless ``allow_http``. ``clock`` is for tests.
    """

    def __init__(
        self,
        token_url: str,
        *,
        app_domain: str,
        api_key: str,
        secret_key: str | Redacted,
        scopes: Iterable[str] | None = None,
        cache: Cache | None = None,
        origins: Iterable[str] | None = None,
        allow_http: bool = False,
        clock: Clock | None = None,
    ) -> None:
        # First of all: a traceback may show the variables of this function.
        secret_key = Redacted.of(secret_key)
        secret_key.check_secret()
        urls = [token_url] if origins is None else origins
        allowed_origins([token_url], allow_http=allow_http)
        self._origins = allowed_origins(urls, allow_http=allow_http)
        self._credentials = Credentials(
            token_url, app_domain, api_key, secret_key, scopes_of(scopes)
        )
        self._clock = clock or Clock()
        self._session = TokenSession(self._post, self._credentials, cache, self._clock)

    @abstractmethod
    def _post(self, deadline: Deadline) -> Steps[Answer]:
        """Send the credentials to the token URL, and return its answer. Follow no redirect."""


def header_of(token: Redacted) -> str:
    """Return the value of the Authorization header."""
    return f"Bearer {token.reveal()}"


def timeout_of(deadline: Deadline) -> float:
    """Return the timeout of an exchange. Raises Unavailable after the deadline."""
    return min(_TIMEOUT, deadline.rest())


def lost(error: Exception) -> Unavailable:
    """Return the exception to raise for an error of the HTTP library, which may hold the secret."""
    if isinstance(error, Unavailable):
        return Unavailable(str(error))
    return Unavailable(f"The token URL cannot be reached: {type(error).__name__}")
