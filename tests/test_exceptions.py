"""The errors of the package."""

import re

from tot_jwt import exceptions
from tot_jwt.exceptions import TotJWTError


def errors():
    """Return the error classes by name."""
    return {
        name: kind
        for name, kind in vars(exceptions).items()
        if isinstance(kind, type) and issubclass(kind, TotJWTError)
    }


def test_each_error_has_its_own_code():
    codes = {name: kind.code for name, kind in errors().items()}

    del codes["InvalidFields"]  # it has the code of its parent
    assert len(set(codes.values())) == len(codes)


def test_docstring_shows_the_whole_tree():
    words = re.findall(r"\w+", str(exceptions.__doc__))

    assert {name: words.count(name) for name in errors()} == dict.fromkeys(errors(), 1)
