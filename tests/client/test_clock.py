"""The clock that programs use. The other tests use one that stands still."""

import asyncio
from concurrent.futures import Future

from tot_jwt.client.clock import Clock


def test_clock_reads_the_system():
    clock = Clock()
    earlier = clock.monotonic(), clock.epoch()

    assert (clock.monotonic() >= earlier[0], earlier[1] > 1_700_000_000) == (True, True)


def test_waits_end_in_time():
    clock, never = Clock(), Future()
    never.set_running_or_notify_cancel()
    clock.sleep(0)
    clock.wait(never, 0)

    async def run():
        await clock.asleep(0)
        await clock.await_(never, 0)

    asyncio.run(run())
    assert not never.done()
