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

#: Failures in these modules would break the test's own transaction, or its log.
SPARED = (
    "_pytest",
    "django.db.backends",
    "django.db.transaction",
    "logging",
    "threading",
)

Call = Callable[[], Any]
Trace = Callable[[FrameType, str, Any], Any]


class Place(NamedTuple):
    """A function, and the last line of it that a call runs: its local variables are complete."""

    code: CodeType
    line: int
    #: Whether the function belongs to the package.
    is_ours: bool


def places(call: Call, package: str, *, everywhere: bool) -> list[Place]:
    """Return the place of each function of the package that the call runs.

    With `everywhere`, also of each function of other packages that these functions run.
    """
    found: dict[CodeType, Place] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Trace | None:
        is_reached = _is_called_by(frame, package) if everywhere else _is_in(frame, package)
        if not is_reached or _is_spared(frame):
            return None

        def trace_lines(frame: FrameType, event: str, argument: Any) -> Trace:
            if event == "line":
                is_ours = _is_in(frame, package)
                found[frame.f_code] = Place(frame.f_code, frame.f_lineno, is_ours)
            return trace_lines

        return trace_lines

    _traced(call, trace)
    return list(found.values())


def fail_at(place: Place, call: Call, package: str) -> Any:
    """Make the call, with one RuntimeError raised at the place; return what the call returns."""
    raised: list[int] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Trace | None:
        return trace_lines if frame.f_code is place.code and _is_called_by(frame, package) else None

    def trace_lines(frame: FrameType, event: str, argument: Any) -> Trace:
        if event == "line" and frame.f_lineno == place.line and not raised:
            raised.append(frame.f_lineno)
            raise RuntimeError("a bug")
        return trace_lines

    result = _traced(call, trace)
    # What other packages run can depend on caches.
    assert raised or not place.is_ours, place
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


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_spared(frame: FrameType) -> bool:
    # Python decides when it calls __del__, and discards the exception.
    return _module(frame).startswith(SPARED) or frame.f_code.co_name == "__del__"


def _is_in(frame: FrameType, package: str) -> bool:
    return _module(frame).partition(".")[0] == package


def _is_called_by(frame: FrameType | None, package: str) -> bool:
    """Return whether the package has a function on the call stack, up to this frame."""
    while frame is not None:
        if _is_in(frame, package):
            return True
        frame = frame.f_back
    return False
