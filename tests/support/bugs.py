"""A bug at each place that a call reaches: RuntimeError, raised at one place at a time.

The places are found by tracing a call that succeeds. No name of a function is written down here,
so a function that is renamed, moved or added is reached too.

Coverage is not measured meanwhile: pyproject.toml omits this module.
"""

import gc
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

Call = Callable[[], Any]
Trace = Callable[[FrameType, str, Any], Any]


class Place(NamedTuple):
    """A function, and the last line of it that a call runs: its local variables are complete."""

    code: CodeType
    line: int


def places(call: Call, package: str) -> list[Place]:
    """Return the place of each function of the package that the call runs."""
    found: dict[CodeType, Place] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Trace | None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] != package:
            return None

        def trace_lines(frame: FrameType, event: str, argument: Any) -> Trace:
            if event == "line":
                found[frame.f_code] = Place(frame.f_code, frame.f_lineno)
            return trace_lines

        return trace_lines

    _traced(call, trace)
    return list(found.values())


def fail_at(place: Place, call: Call) -> Any:
    """Make the call, with one RuntimeError raised at the place; return what the call returns."""
    raised: list[int] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Trace | None:
        return trace_lines if frame.f_code is place.code else None

    def trace_lines(frame: FrameType, event: str, argument: Any) -> Trace:
        if event == "line" and frame.f_lineno == place.line and not raised:
            raised.append(frame.f_lineno)
            raise RuntimeError("a bug")
        return trace_lines

    result = _traced(call, trace)
    assert raised, place
    return result


def _traced(call: Call, trace: Trace) -> Any:
    """Return what the call returns; a tracer that measures coverage pauses meanwhile.

    So does garbage collection, which calls functions at random.
    """
    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(before)
        gc.enable()
