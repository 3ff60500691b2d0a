"""Revoke one token. Its row is stored only until the token would have expired.

The key remembers until when it has such rows: the tokens of a key that has none cost no query.
"""

import hashlib
import logging

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q

from tot_jwt import models
from tot_jwt.exceptions import RevokedToken
from tot_jwt.keys import state as key_state
from tot_jwt.keys.loading import unavailable
from tot_jwt.models import ApiKey, write_alias
from tot_jwt.tokens.token import MAX_CLOCK_SKEW, ApiToken
from tot_jwt.utils import clock
from tot_jwt.utils.logs import log_fields

logger = logging.getLogger("tot_jwt")

_REVOKED = "Token revoked: key=%(public_key)s jti=%(jti)s address=%(address)s"

#: Rows that one revocation deletes at most.
BATCH = 1000


def revoke_token(token: ApiToken, address: str) -> None:
    """Revoke the token, and no other. `address` is that of the client. Raises RevokedToken."""
    alias = write_alias()
    try:
        _store(token, alias)
    except IntegrityError as error:  # the key was erased meanwhile
        raise RevokedToken("unknown_key") from error
    key_state.drop(using=alias)
    fields = {"public_key": token.public_key, "jti": token["jti"], "address": address}
    log_fields(logging.INFO, _REVOKED, fields)
    transaction.on_commit(lambda: _prune(alias), using=alias, robust=True)


def _store(token: ApiToken, alias: str) -> None:
    # Processes whose clocks are behind accept the token a little longer.
    moment = token["exp"] + MAX_CLOCK_SKEW
    key = ApiKey.objects.using(alias).get_exact(token.public_key)
    if key is None:
        raise RevokedToken("unknown_key")
    # It begins with a write: SQLite lets no transaction wait for its lock that has read before.
    with transaction.atomic(using=alias):
        is_sooner = Q(tokens_revoked_until=None) | Q(tokens_revoked_until__lt=moment)
        # QuerySet.update sends no signals, which would drop the cached states.
        ApiKey.objects.using(alias).filter(is_sooner, pk=key.pk).update(tokens_revoked_until=moment)
        row = models.RevokedToken(jti_hash=_jti_hash(token), key=key, expires_at=moment)
        models.RevokedToken.objects.using(alias).bulk_create([row], ignore_conflicts=True)


def is_revoked(token: ApiToken) -> bool:
    """Return whether the token was revoked by itself. Raises ServiceUnavailable."""
    try:
        return models.RevokedToken.objects.filter(jti_hash=_jti_hash(token)).exists()
    except (OperationalError, InterfaceError) as error:
        raise unavailable(error) from error


def _jti_hash(token: ApiToken) -> str:
    return hashlib.sha256(token["jti"].encode()).hexdigest()


def _prune(alias: str) -> None:
    """Delete the rows of tokens that have expired."""
    rows = models.RevokedToken.objects.using(alias)
    try:
        expired = rows.filter(expires_at__lte=int(clock.epoch())).values_list("pk", flat=True)
        rows.filter(pk__in=list(expired[:BATCH])).delete()
    except DatabaseError:
        logger.warning("Expired rows of revoked tokens not deleted", exc_info=True)
