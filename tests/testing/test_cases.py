"""`TotJWTTestMixin`: the tests of a test case do not see what others left in the process."""

import unittest

import pytest
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.test.utils import override_settings

from tests.support.times import stopped_clocks
from tot_jwt.keys import revoke_key
from tot_jwt.testing import TotJWTTestMixin

pytestmark = pytest.mark.django_db(transaction=True)


@override_settings(ROOT_URLCONF="tests.testing.urls")
class LimitTests(TotJWTTestMixin, TestCase):
    """Each test and each `setUp` uses up the limit of a client of the class."""

    __test__ = False  # unittest runs it below

    @classmethod
    def setUpTestData(cls):
        cls.reader = cls.create_client(rate_limit="2/day")
        cls.key = cls.reader.api_key
        assert cls.reader.get("/api/limited").status_code == 200

    def setUp(self):  # without super(), as many hosts write it
        assert self.reader.get("/api/limited").status_code == 200

    def test_limit_is_used_up(self):
        answers = [self.reader.get("/api/limited") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]

    test_limit_is_used_up_again = test_limit_is_used_up

    def test_attributes_are_the_same_key(self):
        assert self.reader.api_key is self.key
        revoke_key(self.key)
        assert self.reader.get("/api/limited").status_code == 401

    async def test_async_client_works(self):
        reader = await self.acreate_client()
        assert (await reader.get("/api/limited")).status_code == 200


@override_settings(ROOT_URLCONF="tests.testing.urls")
class CommittedLimitTests(TotJWTTestMixin, TransactionTestCase):
    """Tests that commit. Django deletes all rows after each."""

    __test__ = False

    def test_client_works(self):
        assert self.create_client().get("/api/limited").status_code == 200

    test_client_works_again = test_client_works


class MemoryTests(TotJWTTestMixin, SimpleTestCase):
    """A test that may not query the database."""

    __test__ = False

    def test_fails(self):
        assert self.countTestCases() == 0  # fails on purpose


def run(case):
    result = unittest.TestResult()
    with stopped_clocks():
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


@pytest.mark.parametrize(
    ("case", "number"), [(LimitTests, 4), (CommittedLimitTests, 2)], ids=["rollback", "commit"]
)
def test_each_test_starts_fresh(case, number):
    result = run(case)

    assert (result.testsRun, result.failures, result.errors) == (number, [], [])


def test_failure_is_reported_without_database():
    result = run(MemoryTests)

    assert [str(test) for test, _ in result.failures] == [str(MemoryTests("test_fails"))]
    assert result.errors == []
