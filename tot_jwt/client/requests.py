"""TokenAuth for Requests."""

import io
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import requests
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body
from urllib3.exceptions import HTTPError

from tot_jwt.client.answers import MAX_BODY, Answer, has_ended
from tot_jwt.client.base import HEADERS, BaseTokenAuth, header_of, lost, timeout_of
from tot_jwt.client.clock import Clock, Deadline
from tot_jwt.client.exceptions import Unavailable
from tot_jwt.client.origins import check_origin, is_allowed
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.shared import Cache
from tot_jwt.client.steps import Call, Steps, finish


class TokenAuth(BaseTokenAuth, AuthBase):
    """``session.auth = TokenAuth(…)``: send a token with each request, and renew it in time.

    ``session`` sends the exchange, with its proxies and certificates: by default a new one each
    time, with the settings of the environment.
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
        session: requests.Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        secret_key = Redacted.of(secret_key)
        super().__init__(
            token_url,
            app_domain=app_domain,
            api_key=api_key,
            secret_key=secret_key,
            scopes=scopes,
            cache=cache,
            origins=origins,
            allow_http=allow_http,
            clock=clock,
        )
        self._sender = session

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request that is about to be sent."""
        check_origin(r.url or "", self._origins)
        r.headers["Authorization"] = header_of(self._token())
        hooks = r.hooks["response"]
        # A request that is prepared twice must not be repeated twice.
        if self._renew not in hooks:
            hooks.append(self._renew)
        return r

    def _token(self) -> Redacted:
        return finish(self._session.token(blocking=True))

    def _renew(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Send the request again if its token has ended. Return the response that counts."""
        request = response.request
        if response.status_code != 401 or not is_allowed(request.url or "", self._origins):
            return response
        headers = {name.lower(): text for name, text in response.headers.items()}
        if not has_ended(headers, response.content):
            return response
        self._session.reject(_token_of(request))
        if not _is_repeatable(request):
            return response
        return self._repeat(response, kwargs)

    def _repeat(self, response: requests.Response, kwargs: dict[str, Any]) -> requests.Response:
        header = header_of(self._token())
        response.close()
        # Requests follows a redirect with the headers of this object: they need the new token.
        request = response.request
        response.request = request.copy()
        request.headers["Authorization"] = header
        started = self._clock.monotonic()
        result: requests.Response = response.connection.send(request, **kwargs)
        result.elapsed = timedelta(seconds=self._clock.monotonic() - started)
        result.history.append(response)
        result.request = request
        return result

    def _post(self, deadline: Deadline) -> Steps[Answer]:
        answer: Answer | Unavailable = yield Call(self._send, deadline)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    def _send(self, deadline: Deadline) -> Answer | Unavailable:
        try:
            with nullcontext(self._sender) if self._sender else requests.Session() as sender:
                return self._send_with(sender, deadline)
        except (OSError, HTTPError, Unavailable) as error:
            # Not raised from here: the exception of Requests holds the request with the secret.
            return lost(error)

    def _send_with(self, session: requests.Session, deadline: Deadline) -> Answer:
        with session.post(
            self._credentials.token_url,
            # As a file: the variables of Requests would show the text.
            data=io.BytesIO(self._credentials.body()),
            headers=HEADERS,
            auth=_unchanged,
            timeout=timeout_of(deadline),
            allow_redirects=False,
            stream=True,
        ) as response:
            headers = {name.lower(): text for name, text in response.headers.items()}
            return Answer(response.status_code, headers, _read(response, deadline))


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    """Return the body, up to its limit and in time. It is not decompressed."""
    body = bytearray()
    # To read more than one byte would wait for all of them.
    while len(body) <= MAX_BODY and (byte := response.raw.read(1, decode_content=False)):
        body += byte
        deadline.rest()
    return bytes(body)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials: neither the session's, which may be this class, nor those of .netrc."""
    return request


def _token_of(request: requests.PreparedRequest) -> Redacted:
    return Redacted(request.headers.get("Authorization", "").removeprefix("Bearer "))


def _is_repeatable(request: requests.PreparedRequest) -> bool:
    """Return whether the body can be sent twice, and go back to its beginning if it is a file."""
    if request.body is None or isinstance(request.body, bytes | str):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
