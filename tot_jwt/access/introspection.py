"""What a token grants now, for a client that it was not issued to (RFC 7662).

And the revocation of a token by the client that it was issued to (RFC 7009).
"""

from typing import NamedTuple

from tot_jwt.access.decisions import check_token, grant_anywhere
from tot_jwt.access.refusals import reject
from tot_jwt.exceptions import (
    InsufficientPermissions,
    InsufficientScope,
    InvalidToken,
)
from tot_jwt.keys import tokens
from tot_jwt.keys.loading import load
from tot_jwt.principal import ApiClient
from tot_jwt.rules.scopes import TOKENS_INTROSPECT
from tot_jwt.tokens.token import ApiToken


class ActiveToken(NamedTuple):
    """A valid token, and the scopes that it has now."""

    token: ApiToken
    scopes: frozenset[str]


def introspect(raw: str, *, caller: ApiClient, jti: str, address: str) -> ActiveToken | None:
    """Return the token with its present scopes, or None if it is not active.

    The key's state is read from the database. Its list of addresses is not applied: who presented
    the token is not known here. The log names `jti`, that of the token with which the caller
    authenticated, if any. Raises InsufficientScope, ServiceUnavailable.
    """
    _require_scope(caller, jti, address)
    try:
        token = ApiToken(raw)
        token.check_exp()
        return ActiveToken(token, grant_anywhere(token, load(token.public_key)).scopes)
    except (InvalidToken, InsufficientPermissions):
        return None


def revoke(raw: str, *, caller: ApiClient, address: str) -> None:
    """Revoke the token if it was issued to the caller. Do nothing if it is not a token, or ended.

    Raises InsufficientPermissions for the token of another client; ServiceUnavailable.
    """
    try:
        token = ApiToken(raw)
    except InvalidToken:
        return
    if token.public_key != caller.pk:
        refusal = InsufficientPermissions("token_of_another_client")
        # Without a `jti`: that would be the caller's, which authenticated with its keys.
        reject(refusal, caller, address=address)
        raise refusal
    try:
        token.check_exp()
        check_token(token, load(token.public_key))
        tokens.revoke_token(token, address)
    except InvalidToken:
        return


def _require_scope(caller: ApiClient, jti: str, address: str) -> None:
    if not caller.has_scope(TOKENS_INTROSPECT):
        refusal = InsufficientScope([TOKENS_INTROSPECT])
        reject(refusal, caller, jti=jti, address=address)
        raise refusal
