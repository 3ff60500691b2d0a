"""The packages that only `tox run -e tools` installs. Other runs skip the tests that need them."""

import os
from importlib import import_module
from typing import Any

import pytest

#: ``tox run -e tools`` sets it: there, no test may be skipped.
REQUIRED = bool(os.environ.get("TOT_JWT_REQUIRE_TOOLS"))


def needed(name: str) -> Any:
    """Return the module, or skip the module of tests that needs it."""
    if REQUIRED:
        return import_module(name)
    return pytest.importorskip(name, reason=f"needs {name}: tox run -e tools")
