"""The subcommand that looks into a token."""

import sys

from tot_jwt.access.decisions import check_token
from tot_jwt.exceptions import TotJWTError
from tot_jwt.keys import state as key_state
from tot_jwt.management.subcommands.base import Document, Options, Subcommand
from tot_jwt.tokens.token import ApiToken


class InspectToken(Subcommand):
    name = "inspect_token"
    help = "Read a token from standard input and say what it holds and whether it is good. Exits with 1 if not."

    @staticmethod
    def run(options: Options) -> Document:
        """The claims are shown only of a token that one of our keys signed."""
        claims: Document | None = None
        try:
            token = ApiToken(sys.stdin.read().strip())
            claims = dict(token.payload)
            token.check_exp()
            check_token(token, key_state.load(token.public_key))
        except TotJWTError as error:
            return {"valid": False, "code": error.code, "detail": error.detail, "claims": claims}
        return {"valid": True, "code": None, "detail": None, "claims": claims}

    @staticmethod
    def has_failed(document: Document) -> bool:
        return not document["valid"]
