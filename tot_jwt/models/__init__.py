"""AppDomain, ApiKey, RevokedToken, and KeyEvent, the record of what happened to them.

Only `tot_jwt.keys` changes rows.
"""

from tot_jwt.models.domains import AppDomain
from tot_jwt.models.events import KeyEvent
from tot_jwt.models.keys import ApiKey, ApiKeyQuerySet, Environment
from tot_jwt.models.managers import Tenant, current_tenant, write_alias
from tot_jwt.models.tokens import RevokedToken
from tot_jwt.rules.status import KeyStatus

__all__ = [
    "ApiKey",
    "ApiKeyQuerySet",
    "AppDomain",
    "Environment",
    "KeyEvent",
    "KeyStatus",
    "RevokedToken",
    "Tenant",
    "current_tenant",
    "write_alias",
]
