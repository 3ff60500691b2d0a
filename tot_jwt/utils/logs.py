"""What comes from outside, as it may stand in a log."""

_CONTROL = dict.fromkeys([*range(32), 127], " ")


def key_id(public_key: str) -> str:
    """A public key as a client sent it, or a word in its place: some send their secret there."""
    return "(a secret key)" if public_key.startswith("sk_") else public_key


def one_line(text: str) -> str:
    """Printable ASCII, no line breaks, not longer than a key."""
    return text.encode("ascii", "backslashreplace").decode().translate(_CONTROL)[:128]
