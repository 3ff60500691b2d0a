"""Verification for asynchronous code.

A token that was verified shortly before is answered in the event loop: without a thread, and
without a query. Anything else runs in the thread of `asgiref.sync.sync_to_async`.
"""

from asgiref.sync import sync_to_async
from django.db import router
from django.views.decorators.debug import sensitive_variables

from tot_jwt.access.verification import recall_token, verify_keys, verify_token
from tot_jwt.models import current_tenant
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.credentials import Credentials, Redacted
from tot_jwt.tokens.token import ApiToken


@sensitive_variables()
async def averify_token(raw: str, *, address: str) -> tuple[ApiClient, ApiToken]:
    """Return the client of a token, and the token.

    Raises MalformedToken, InvalidToken, ExpiredToken, RevokedToken, InsufficientPermissions,
    ServiceUnavailable.
    """
    recalled = None if _tenant_depends_on_thread() else recall_token(raw, address=address)
    return recalled or await sync_to_async(_verify)(Redacted(raw), address)


async def averify_keys(credentials: Credentials, *, address: str) -> tuple[ApiClient, ApiKeyAuth]:
    """Return the client of API keys, and the key's description.

    Raises InvalidCredentials, InsufficientPermissions, TooManyRequests, ServiceUnavailable.
    """
    return await sync_to_async(verify_keys)(credentials, address=address)


async def ahas_scope(client: ApiClient, scope: str) -> bool:
    """Return whether the client has the scope. Raises ServiceUnavailable."""
    return await client.ahas_scope(scope)


@sensitive_variables()
def _verify(token: Redacted, address: str) -> tuple[ApiClient, ApiToken]:
    # asgiref's frames hold the arguments, and tracebacks show them.
    return verify_token(token.reveal(), address=address)


def _tenant_depends_on_thread() -> bool:
    """Return whether a middleware may have chosen the database or schema for its own thread.

    The event loop runs in another thread, where the package would remember for the wrong tenant.
    """
    chooses = any(hasattr(each, "db_for_write") for each in router.routers)
    return chooses or current_tenant()[1] is not None
