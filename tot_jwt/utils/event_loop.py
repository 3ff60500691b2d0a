"""Whether the code runs in an event loop, where Django forbids queries."""

import asyncio


def is_in_event_loop() -> bool:
    """Return whether the thread runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
