"""Fixtures: two APIs on 127.0.0.1, and a program of each library."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.client import LIBRARIES, Api, Program, served


@pytest.fixture(scope="session")
def servers() -> Iterator[list[Callable[[], Api]]]:
    with served() as first, served() as second:
        yield [first, second]


@pytest.fixture
def api(servers: Any) -> Api:
    """Return the API of the program."""
    api: Api = servers[0]()
    return api


@pytest.fixture
def elsewhere(servers: Any) -> Api:
    """Return an API of another origin, which must get no token and no secret."""
    api: Api = servers[1]()
    return api


@pytest.fixture(params=LIBRARIES)
def make_program(request: pytest.FixtureRequest, api: Api) -> Callable[..., Program]:
    """``make_program(scopes=…)``: create a program with one of the libraries."""
    return lambda **options: Program(request.param, api, **options)


@pytest.fixture
def program(make_program: Callable[..., Program]) -> Program:
    """Return a program with the default options."""
    return make_program()
