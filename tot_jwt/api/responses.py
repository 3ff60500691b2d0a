"""The bodies of responses, also of the commands."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tot_jwt.access.exchange import IssuedToken
from tot_jwt.access.introspection import ActiveToken
from tot_jwt.http.names import SECRET_KEY, to_wire
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyUsage
from tot_jwt.rules import scopes
from tot_jwt.rules.credentials import SecretKey
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.clock import rfc3339

Body = dict[str, Any]

#: The claims that introspection shows unchanged.
_INTROSPECTED = ("client_id", "sub", "aud", "iss", "iat", "exp", "jti", "appDomain", "env")


def issued_token(issued: IssuedToken) -> Body:
    """Return the body of ``POST token``."""
    # These two bodies are written out: translating names would slow the busiest endpoint.
    return {
        "token": issued.raw,
        "tokenType": "Bearer",
        "expiresIn": issued.expires_in,
        "expiresAt": rfc3339(issued.expires_at),
    }


def oauth_token(issued: IssuedToken) -> Body:
    """Return the body of ``POST oauth/token`` (RFC 6749 §5.1)."""
    return {
        "access_token": issued.raw,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": scopes.join(issued.scopes),
    }


def introspection(active: ActiveToken | None) -> Body:
    """Return the body of ``POST oauth/introspect`` (RFC 7662 §2.2)."""
    if active is None:
        return {"active": False}
    token = active.token
    return {
        "active": True,
        "scope": scopes.join(active.scopes),
        "token_type": "Bearer",
        **{name: token[name] for name in _INTROSPECTED},
    }


def verified_token(token: ApiToken) -> Body:
    """Return the body of ``GET token``."""
    return {
        "valid": True,
        "appDomain": token["appDomain"],
        "issuedAt": rfc3339(token["iat"]),
        "expiresAt": rfc3339(token["exp"]),
    }


def app_domain(domain: AppDomain) -> Body:
    """Return a domain as the commands show it."""
    return _body(
        app_domain=domain.domain,
        aliases=domain.alias_list,
        name=domain.name,
        contact=domain.contact,
        external_id=domain.external_id,
        metadata=domain.metadata,
        rate_limit=domain.rate_limit or None,
        suspended=domain.is_suspended,
        created_at=_moment(domain.created_at),
    )


def api_key(key: ApiKey) -> Body:
    """Return a key as endpoints and commands show it: no secret, hash or person's name."""
    return _body(
        public_key=key.public_key,
        app_domain=key.app_domain.domain,
        environment=key.environment,
        name=key.name,
        scopes=sorted(key.scope_set),
        status=key.status.value,
        secret_hint=key.secret_hint,
        allowed_ips=key.allowed_networks,
        can_issue_tokens=key.can_issue_tokens,
        disabled=key.disabled_at is not None,
        rate_limit=key.effective_rate_limit or None,
        metadata=key.metadata,
        created_at=_moment(key.created_at),
        created_by=key.created_by_key.public_key if key.created_by_key else "admin",
        expires_at=_moment(key.expires_at),
        last_used_at=_moment(key.last_used_at),
        previous_secret_expires_at=_moment(key.previous_secret_expires_at),
    )


def new_api_key(key: ApiKey, secret: SecretKey) -> Body:
    """Return a key with its secret, which is shown this once."""
    return {**api_key(key), SECRET_KEY: secret.reveal()}


def usage(public_key: str, hours: Iterable[KeyUsage]) -> Body:
    """Return how often a key was used, by the hour."""
    results = [
        {"at": rfc3339(hour.at), "accepted": hour.accepted, "refused": hour.refused}
        for hour in hours
    ]
    return _body(public_key=public_key, interval="hour", results=results)


def key_event(event: KeyEvent) -> Body:
    """Return an event as the commands show it."""
    return _body(
        at=_moment(event.at),
        action=event.action,
        app_domain=event.app_domain.domain if event.app_domain else None,
        public_key=event.key.public_key if event.key else None,
        by=event.actor,
        jti=event.jti,
        address=event.address,
        changes=_body(**event.changes),
    )


def _body(**members: Any) -> Body:
    return {to_wire(name): value for name, value in members.items()}


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment.timestamp()) if moment else None
