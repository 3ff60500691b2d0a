"""Copies of immutable objects."""

from typing import Any, Self


class CopiesToItself:
    """Base of immutable classes: a copy or deep copy of the object is the object itself.

    Django's ``setUpTestData`` deep-copies what a test class creates.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
