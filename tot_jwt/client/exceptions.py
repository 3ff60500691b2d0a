"""Every exception that the client raises on purpose.

::

    TokenError
    ├── InvalidRequest            400  the API does not accept the domain or the scopes as written
    ├── InvalidCredentials        401  the API key is wrong, or not usable
    ├── InsufficientPermissions   403  the API key may not get this token
    ├── TooManyRequests           429  a rate limit is exceeded
    ├── Unavailable               5xx  the API is unavailable, or does not answer
    ├── UnexpectedAnswer               the token URL redirects, or does not answer with a token
    └── OriginNotAllowed               the request goes to an origin that does not get the token

No exception holds a secret, a token, a request or the body of a response.
"""


class TokenError(Exception):
    """The root: no token was obtained or sent.

    ``status`` is the HTTP status of the token endpoint, None without an answer. ``retry_after`` is
    in seconds, None if the API names no time.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class InvalidRequest(TokenError):
    """The API does not accept the domain, the key or the scopes as they are written."""


class InvalidCredentials(TokenError):
    """The API key is unknown, wrong, of another domain, revoked, disabled or expired."""


class InsufficientPermissions(TokenError):
    """The API key is right, but may not get this token from this address."""


class TooManyRequests(TokenError):
    """A rate limit is exceeded."""


class Unavailable(TokenError):
    """The API is unavailable, or does not answer in time."""


class UnexpectedAnswer(TokenError):
    """The token URL redirects, or does not answer with a token."""


class OriginNotAllowed(TokenError):
    """The request goes to an origin that does not get the token."""
