"""Text that no repr, traceback or pickle shows."""

from typing import NoReturn


class Redacted:
    """A secret key or a token. Only `reveal` returns its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of(cls, text: "str | Redacted") -> "Redacted":
        """Return the text redacted, once."""
        return text if isinstance(text, Redacted) else cls(text)

    def check_secret(self) -> None:
        """Raise TypeError for bytes and other types, when no variable shows them any more."""
        if not isinstance(self._text, str):
            raise TypeError(f"secret_key is of the type {type(self._text).__name__}, not a string.")

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def equals(self, other: "Redacted | None") -> bool:
        """Return whether the other is the same text."""
        return other is not None and self._text == other._text

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Secret keys and tokens are not pickled or copied.")
