"""A minute at saturation in which a key is revoked, another rotated, and the database crashes, and what came of it."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.clients import NO_ANSWER, Call, Probe, answers_of, make_key, manage, saturate
from benchmarks.report import Finding
from benchmarks.servers import PostgreSQL

MAX_AGE = 5
#: When it happens, in parts of the whole. In a minute, the database is gone for longer than keys are remembered.
REVOCATION, ROTATION, CRASH, RETURN = 0.15, 0.3, 0.45, 0.6
#: Seconds by which an answer may be later than its request.
IN_FLIGHT = 1
#: Seconds after the database's return in which a worker may still hold a dead connection.
RECOVERY = 5
CLIENTS = 3

OK, UNAUTHORIZED, TOO_MANY, UNAVAILABLE = 200, 401, 429, 503


def run(port: int, database: PostgreSQL, seconds: int, folder: Path) -> Iterator[Finding]:
    """What the clients of this server saw."""
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
    yield Finding("Answered 503", total[UNAVAILABLE], at_least=1)
    yield Finding(
        "Answered otherwise",
        total.total() - sum(total[s] for s in (OK, UNAVAILABLE, NO_ANSWER)),
        at_most=0,
    )
    yield Finding("Not answered", total[NO_ANSWER], at_most=0)


def _of_revocation(probes: list[Probe], revocation: float, revoked: float) -> Iterator[Finding]:
    """Whoever was accepted until then is refused after MAX_AGE, for good."""
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
        yield Finding(f"Revoked {what}: refused", len(probe.seen) - len(accepted), at_least=1)
        yield Finding(f"Revoked {what}: answered otherwise", len(wrong), at_most=0)


def _of_rotation(probes: list[Probe], crash: float, returned: float) -> Iterator[Finding]:
    """All of the rotated key's credentials are accepted whenever there is a database."""
    for probe, what in zip(probes, ("old secret", "token", "new secret"), strict=True):
        refused = [seen for seen in probe.seen if seen.status != OK]
        wrong = [
            seen for seen in refused if seen.status != UNAVAILABLE or seen.at < crash - IN_FLIGHT
        ]
        last = max((seen.at for seen in refused), default=returned)
        yield Finding(f"Rotated key's {what}: accepted", len(probe.seen) - len(refused), at_least=1)
        yield Finding(f"Rotated key's {what}: answered otherwise", len(wrong), at_most=0)
        yield Finding(
            f"Rotated key's {what}: 503 until, seconds", last - returned, at_most=RECOVERY
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
