"""Parsers that answer 400 where DRF's would fail with 500.

DRF decodes with any charset that the client names, even rot13. Deeply nested JSON exceeds Python's
recursion limit.
"""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError

Context = Mapping[str, Any] | None
UTF8 = {"encoding": "utf-8"}


class JSONParser(parsers.JSONParser):
    """Parser of JSON, always in UTF-8 (RFC 8259 §8.1)."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context = None
    ) -> Any:
        """Parse the body. Raise ParseError if it is nested too deeply."""
        try:
            return super().parse(stream, media_type, UTF8)
        except RecursionError as error:
            raise ParseError("JSON is nested too deeply.") from error


class FormParser(parsers.FormParser):
    """Parser of URL-encoded forms, always in UTF-8."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context = None
    ) -> Any:
        """Parse the body."""
        return super().parse(stream, media_type, UTF8)
