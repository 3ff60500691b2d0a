"""The exchange of an API key for a token: when to try again, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass

from tot_jwt.client.answers import Answer, error_from, grant_from
from tot_jwt.client.clock import Clock, Deadline
from tot_jwt.client.exceptions import TokenError, UnexpectedAnswer
from tot_jwt.client.redacted import Redacted
from tot_jwt.client.steps import Pause, Steps

#: Sends the credentials to the token URL.
Post = Callable[[Deadline], Steps[Answer]]

#: A token is renewed so many seconds before its end; one with a life under a minute after half.
RENEW_BEFORE = 30
#: The shortest first pause, in seconds. Each pause is at least twice as long as the last.
FIRST_PAUSE = 1
#: Other errors do not pass by themselves.
_TRIED_AGAIN = (429, 503)


@dataclass(frozen=True, slots=True)
class Usable:
    """A token, when to renew it, and when it ends, by the client's monotonic clock."""

    token: Redacted
    until: float
    end: float


def exchange(post: Post, clock: Clock, deadline: Deadline, good_until: float) -> Steps[Usable]:
    """Return a new token. Raises TokenError, without a pause while the old token is good."""
    pause = FIRST_PAUSE
    while True:
        # Before the request: the token may be as old as that.
        started = clock.monotonic()
        answer: Answer = yield from post(deadline)
        grant = grant_from(answer)
        if grant is not None:
            end = started + grant.life
            return Usable(grant.token, end - min(RENEW_BEFORE, grant.life / 2), end)
        error = _error_of(answer, clock)
        pause = max(pause, error.retry_after or 0)
        now = clock.monotonic()
        if error.status not in _TRIED_AGAIN or now < good_until or now + pause >= deadline.at:
            raise error
        yield Pause(clock, pause)
        pause *= 2


def _error_of(answer: Answer, clock: Clock) -> TokenError:
    if answer.status == 200:
        return UnexpectedAnswer("The token URL answers 200, but not with a token", status=200)
    return error_from(answer, clock.epoch())
