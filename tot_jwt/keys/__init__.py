"""Everything that happens to domains and keys: creation, changes, use, revocation, the record."""

from tot_jwt.keys.domains import (
    change_domain,
    create_domain,
    erase_domain,
    prune_events,
    rename_domain,
    resume_domain,
    suspend_domain,
)
from tot_jwt.keys.expiring import notify_expiring
from tot_jwt.keys.importing import import_keys
from tot_jwt.keys.lifecycle import (
    change_key,
    create_key,
    disable_key,
    enable_key,
    end_previous_secret,
    end_tokens,
    release_key,
    revoke_key,
    rotate_key,
)

__all__ = [
    "change_domain",
    "change_key",
    "create_domain",
    "create_key",
    "disable_key",
    "enable_key",
    "end_previous_secret",
    "end_tokens",
    "erase_domain",
    "import_keys",
    "notify_expiring",
    "prune_events",
    "release_key",
    "rename_domain",
    "resume_domain",
    "revoke_key",
    "rotate_key",
    "suspend_domain",
]
