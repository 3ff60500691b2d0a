"""DRF's parsers, without the inputs that end in a 500.

They decode with whatever charset the client names, rot13 too, and let deep nesting through to Python's recursion limit.
"""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError

Context = Mapping[str, Any] | None
UTF8 = {"encoding": "utf-8"}


class JSONParser(parsers.JSONParser):
    """JSON, always in UTF-8 (RFC 8259 §8.1); 400 for what is nested too deeply."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, UTF8)
        except RecursionError as error:
            raise ParseError("JSON is nested too deeply.") from error


class FormParser(parsers.FormParser):
    """A form, always in UTF-8."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context = None
    ) -> Any:
        return super().parse(stream, media_type, UTF8)
