"""AppDomain, ApiKey and what belongs to keys: their events, usage and revoked tokens.

Only `tot_jwt.keys` changes rows.
"""

from tot_jwt.models.domains import AppDomain
from tot_jwt.models.events import KeyEvent
from tot_jwt.models.keys import ApiKey, ApiKeyQuerySet, Environment
from tot_jwt.models.managers import Tenant, current_tenant, write_alias
from tot_jwt.models.tokens import RevokedToken
from tot_jwt.models.usage import KeyUsage
from tot_jwt.rules.status import KeyStatus

__all__ = [
    "ApiKey",
    "ApiKeyQuerySet",
    "AppDomain",
    "Environment",
    "KeyEvent",
    "KeyStatus",
    "KeyUsage",
    "RevokedToken",
    "Tenant",
    "current_tenant",
    "write_alias",
]
