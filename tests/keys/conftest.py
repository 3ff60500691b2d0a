"""Fixtures of the tests of keys."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.key_files import HEADER
from tot_jwt.keys.importing import Report, import_keys


@pytest.fixture
def load(db: None) -> Callable[..., Report]:
    """``load("a.com,pk,secret,,,", skip_bad=True)``: import a CSV file with these rows."""

    def load(*rows: str, header: str = HEADER, **options: Any) -> Report:
        return import_keys(io.BytesIO("\n".join([header, *rows, ""]).encode()), **options)

    return load
