"""A minute at saturation, with a revocation, a rotation and a crash of the database."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.clients import NO_ANSWER, Call, Probe, answers_of, make_key, manage, saturate
from benchmarks.report import Finding
from benchmarks.servers import PostgreSQL

MAX_AGE = 5
#: When each happens, as a fraction of the duration. In a minute, the database is down for longer
#: than key states are cached.
REVOCATION, ROTATION, CRASH, RETURN = 0.15, 0.3, 0.45, 0.6
#: Maximum seconds between a request and its response.
IN_FLIGHT = 1
#: Maximum seconds for which a worker may keep a dead connection after the database is back.
RECOVERY = 5
CLIENTS = 3

OK, UNAUTHORIZED, TOO_MANY, UNAVAILABLE = 200, 401, 429, 503


def run(port: int, database: PostgreSQL, seconds: int, folder: Path) -> Iterator[Finding]:
    """Run the clients against the server on this port and return the findings."""
    clients = [make_key() for _ in range(CLIENTS)]
    doomed, rotated = Call(keys=make_key()), Call(keys=make_key())
    doomed_token, rotated_token = (Call(token=call.token_from(port)) for call in (doomed, rotated))
    began = time.monotonic()

    def wait_for(part: float) -> float:
        time.sleep(max(0.0, began + part * seconds - time.monotonic()))
        return time.monotonic()

    tokens = saturate(
        port, [Call(token=Call(keys=key).token_from(port)) for key in clients], seconds, folder
    )
    exchanges = saturate(port, [Call(keys=key) for key in clients], seconds, folder)
    ending = [Probe(port, call) for call in (doomed, doomed_token)]
    lasting = [Probe(port, call) for call in (rotated, rotated_token)]
    with _running(ending, lasting):
        revocation = wait_for(REVOCATION)
        manage("revoke_key", doomed.public_key)
        revoked = time.monotonic()
        wait_for(ROTATION)
        made = manage("rotate_key", rotated.public_key, "--grace-seconds", "3600")
        lasting.append(Probe(port, rotated.with_secret(made["totSecretKey"])))
        lasting[-1].start()
        crash = wait_for(CRASH)
        database.stop()
        wait_for(RETURN)
        database.start()
        returned = time.monotonic()
        answered = {"Tokens": answers_of(tokens), "Exchanges": answers_of(exchanges)}

    yield from _of_saturation(answered)
    yield from _of_revocation(ending, revocation, revoked)
    yield from _of_rotation(lasting, crash, returned)


def _of_saturation(answered: dict[str, dict[int, int]]) -> Iterator[Finding]:
    total = sum(map(Counter, answered.values()), Counter[int]())
    for what, answers in answered.items():
        yield Finding(f"{what} accepted", answers[OK], at_least=1)
    yield Finding("Status 503", total[UNAVAILABLE], at_least=1)
    yield Finding(
        "Other statuses",
        total.total() - sum(total[s] for s in (OK, UNAVAILABLE, NO_ANSWER)),
        at_most=0,
    )
    yield Finding("No response", total[NO_ANSWER], at_most=0)


def _of_revocation(probes: list[Probe], revocation: float, revoked: float) -> Iterator[Finding]:
    """Check that revoked credentials are accepted for at most MAX_AGE, and never again."""
    for probe, what in zip(probes, ("keys", "token"), strict=True):
        accepted = [seen.at for seen in probe.seen if seen.status == OK]
        wrong = [
            seen
            for seen in probe.seen
            if seen.status not in (OK, UNAUTHORIZED, TOO_MANY, UNAVAILABLE)
            or (seen.status != OK and seen.at < revocation - IN_FLIGHT)
        ]
        last = max(accepted, default=revoked)
        yield Finding(f"Revoked {what}: accepted until, seconds", last - revoked, at_most=MAX_AGE)
        yield Finding(f"Revoked {what}: rejected", len(probe.seen) - len(accepted), at_least=1)
        yield Finding(f"Revoked {what}: other statuses", len(wrong), at_most=0)


def _of_rotation(probes: list[Probe], crash: float, returned: float) -> Iterator[Finding]:
    """Check that all credentials of the rotated key are accepted while the database is up."""
    for probe, what in zip(probes, ("Old secret", "Token", "New secret"), strict=True):
        refused = [seen for seen in probe.seen if seen.status != OK]
        wrong = [
            seen for seen in refused if seen.status != UNAVAILABLE or seen.at < crash - IN_FLIGHT
        ]
        last = max((seen.at for seen in refused), default=returned)
        yield Finding(
            f"{what} of the rotated key: accepted", len(probe.seen) - len(refused), at_least=1
        )
        yield Finding(f"{what} of the rotated key: other statuses", len(wrong), at_most=0)
        yield Finding(
            f"{what} of the rotated key: 503 until, seconds", last - returned, at_most=RECOVERY
        )


@contextmanager
def _running(*groups: list[Probe]) -> Iterator[None]:
    for group in groups:
        for probe in group:
            probe.start()
    try:
        yield
    finally:
        for group in groups:
            for probe in group:
                probe.end()
