"""Values of SECRET_KEY and SECRET_KEY_FALLBACKS that protect nothing."""

from typing import Any

BLANK_SECRETS: list[Any] = ["", " ", "\n", " \t\r\n", "\u3000", "\0\0", b"", b" \n", None, 7, False]
