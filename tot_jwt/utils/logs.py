"""Safe logging of text that clients sent."""

_CONTROL_CHARACTERS = dict.fromkeys([*range(32), 127], " ")
_MAX_LENGTH = 128


def one_line(text: str) -> str:
    """Return the text in printable ASCII, without line breaks, cut to 128 characters."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    return ascii_text.translate(_CONTROL_CHARACTERS)[:_MAX_LENGTH]
