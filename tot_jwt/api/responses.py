"""The bodies of responses, also of the commands: Python's names become the wire's."""

from datetime import datetime
from typing import Any

from tot_jwt.access.exchange import IssuedToken
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY, to_wire
from tot_jwt.models import ApiKey, AppDomain, KeyEvent
from tot_jwt.rules.credentials import SecretKey
from tot_jwt.tokens.token import ApiToken
from tot_jwt.utils.clock import rfc3339


def issued_token(issued: IssuedToken) -> dict[str, Any]:
    """Return the body of ``POST token``."""
    return {
        "token": issued.raw,
        "tokenType": "Bearer",
        "expiresIn": issued.expires_in,
        "expiresAt": rfc3339(issued.expires_at),
    }


def verified_token(token: ApiToken) -> dict[str, Any]:
    """Return the body of ``GET token``."""
    return {
        "valid": True,
        APP_DOMAIN: token["appDomain"],
        "issuedAt": rfc3339(token["iat"]),
        "expiresAt": rfc3339(token["exp"]),
    }


def app_domain(domain: AppDomain) -> dict[str, Any]:
    """Return a domain as the commands show it."""
    return {
        APP_DOMAIN: domain.domain,
        "name": domain.name,
        "suspended": domain.is_suspended,
        "createdAt": _moment(domain.created_at),
    }


def api_key(key: ApiKey) -> dict[str, Any]:
    """Return a key as endpoints and commands show it: no secret, hash or person's name."""
    return {
        API_KEY: key.public_key,
        APP_DOMAIN: key.app_domain.domain,
        "environment": key.environment,
        "name": key.name,
        "scopes": sorted(key.scope_set),
        "status": key.status.value,
        "secretHint": key.secret_hint,
        "allowedIps": key.allowed_networks,
        "canIssueTokens": key.can_issue_tokens,
        "disabled": key.disabled_at is not None,
        "createdAt": _moment(key.created_at),
        "createdBy": key.created_by_key.public_key if key.created_by_key else "admin",
        "expiresAt": _moment(key.expires_at),
        "lastUsedAt": _moment(key.last_used_at),
        "previousSecretExpiresAt": _moment(key.previous_secret_expires_at),
    }


def new_api_key(key: ApiKey, secret: SecretKey) -> dict[str, Any]:
    """Return a key with its secret, which is shown this once."""
    return {**api_key(key), SECRET_KEY: secret.reveal()}


def key_event(event: KeyEvent) -> dict[str, Any]:
    """Return an event as the commands show it."""
    return {
        "at": _moment(event.at),
        "action": event.action,
        APP_DOMAIN: event.app_domain.domain,
        API_KEY: event.key.public_key if event.key else None,
        "by": event.actor,
        "jti": event.jti,
        "address": event.address,
        "changes": {to_wire(name): change for name, change in event.changes.items()},
    }


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment.timestamp()) if moment else None
