"""A mixin for test cases of unittest and Django."""

from typing import TYPE_CHECKING, Any
from unittest import TestCase, TestResult

from tot_jwt.testing.clients import acreate_client, create_client
from tot_jwt.testing.memory import reset

if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object


class TotJWTTestMixin(_Base):
    """Forget before and after each test what the process remembers of keys.

    Put it before the test case's class. A test case may define `setUp` without `super()`.
    """

    create_client = staticmethod(create_client)
    acreate_client = staticmethod(acreate_client)

    def run(self, result: TestResult | None = None) -> Any:
        """Run the test between two resets."""
        reset()
        try:
            return super().run(result)
        finally:
            reset()
