"""The session of a token that manages keys: which keys it sees, and who calls."""

from dataclasses import dataclass

from tot_jwt.access.decisions import grant_token
from tot_jwt.access.escalation import Caller
from tot_jwt.access.refusals import reject
from tot_jwt.exceptions import InvalidToken, ResourceNotFound, RevokedToken
from tot_jwt.keys.loading import load
from tot_jwt.keys.record import Actor
from tot_jwt.models import ApiKey, ApiKeyQuerySet
from tot_jwt.principal import ApiClient
from tot_jwt.tokens.token import ApiToken


@dataclass(frozen=True, slots=True)
class KeySession:
    """A verified token with `keys:manage`, and the address that it came from."""

    client: ApiClient
    token: ApiToken
    address: str


def visible_keys(client: ApiClient) -> ApiKeyQuerySet:
    """Return the keys of the client's domain and environment, newest first."""
    return ApiKey.objects.with_related().filter(
        app_domain=client.app_domain_id, environment=client.environment
    )


def find_key(client: ApiClient, public_key: str) -> ApiKey:
    """Return the key if the client may see it. Raises ResourceNotFound for any other."""
    key = visible_keys(client).get_exact(public_key)
    if key is None:
        raise ResourceNotFound
    return key


def caller_of(session: KeySession) -> Caller:
    """Return the caller, if its token is still valid.

    A token that ended in another process is reported here. Raises RevokedToken, InvalidToken,
    InsufficientPermissions.
    """
    client, jti = session.client, session.token["jti"]
    try:
        grant = grant_token(session.token, load(client.pk), session.address)
    except InvalidToken as refusal:
        reject(refusal, client, jti=jti, address=session.address)
        raise
    by = Actor(client.pk, jti=jti, address=session.address)
    return Caller(own_key(session), grant.scopes, by)


def own_key(session: KeySession) -> ApiKey:
    """Return the caller's key. Raises RevokedToken if it does not exist."""
    key = ApiKey.objects.with_related().get_exact(session.client.pk)
    if key is None:
        raise RevokedToken("unknown_key")
    return key
