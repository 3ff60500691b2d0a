"""The subcommand that inspects a token."""

from typing import Any

from tot_jwt.access.decisions import check_token
from tot_jwt.exceptions import TotJWTError
from tot_jwt.keys.loading import load
from tot_jwt.management import text
from tot_jwt.management.subcommands.base import (
    Document,
    Options,
    Subcommand,
    read_input,
)
from tot_jwt.tokens import ApiToken
from tot_jwt.utils.json_values import thaw


class InspectToken(Subcommand):
    """The subcommand ``inspect_token``."""

    name = "inspect_token"
    help = (
        "Read a token from standard input and print its claims and whether it is valid. "
        "Exit with 1 if it is not."
    )
    prints_always = True

    def run(self, options: Options) -> Document:
        """Check the token. Return its claims only if a key of this installation signed it."""
        claims: Document | None = None
        try:
            token = ApiToken(read_input().strip())
            claims = thaw(token.payload)
            token.check_exp()
            check_token(token, load(token.public_key))
        except TotJWTError as error:
            return {"valid": False, "code": error.code, "detail": error.detail, "claims": claims}
        return {"valid": True, "code": None, "detail": None, "claims": claims}

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return a line for each claim, after the verdict."""
        verdict = {name: value for name, value in result.items() if name != "claims"}
        return text.members(verdict | (result["claims"] or {}))

    def has_failed(self, result: Any) -> bool:
        """Return whether the token is not valid."""
        return not result["valid"]
