"""What comes from outside, as it may stand in a log."""

_CONTROL = dict.fromkeys([*range(32), 127], " ")


def one_line(text: str) -> str:
    """Printable ASCII, no line breaks, not longer than a key."""
    return text.encode("ascii", "backslashreplace").decode().translate(_CONTROL)[:128]
