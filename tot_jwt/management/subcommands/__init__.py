"""The subcommands of ``manage.py tot_jwt``: each takes parsed options and returns a JSON document.

A secret is printed only by the subcommand that creates it. A secret is never an argument: process
lists and shell histories show arguments.
"""

from tot_jwt.management.subcommands.base import Subcommand
from tot_jwt.management.subcommands.changes import ChangeKey
from tot_jwt.management.subcommands.domains import (
    RESUME_DOMAIN,
    SUSPEND_DOMAIN,
    ChangeDomain,
    CreateDomain,
    EraseDomain,
    ListDomains,
    RenameDomain,
)
from tot_jwt.management.subcommands.events import ListEvents, PruneEvents
from tot_jwt.management.subcommands.expiring import NotifyExpiring
from tot_jwt.management.subcommands.import_keys import ImportKeys
from tot_jwt.management.subcommands.keys import (
    DISABLE_KEY,
    ENABLE_KEY,
    END_OLD_SECRET,
    END_TOKENS,
    RELEASE_KEY,
    CreateKey,
    RevokeKey,
    RotateKey,
)
from tot_jwt.management.subcommands.listing import ListKeys, ShowKey
from tot_jwt.management.subcommands.signing_keys import CreateSigningKey
from tot_jwt.management.subcommands.tokens import InspectToken
from tot_jwt.management.subcommands.usage import Usage

__all__ = ["SUBCOMMANDS", "Subcommand"]

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand, ...] = (
    CreateDomain(),
    ListDomains(),
    ChangeDomain(),
    RenameDomain(),
    SUSPEND_DOMAIN,
    RESUME_DOMAIN,
    EraseDomain(),
    CreateKey(),
    ListKeys(),
    ShowKey(),
    ChangeKey(),
    DISABLE_KEY,
    ENABLE_KEY,
    RELEASE_KEY,
    RotateKey(),
    END_OLD_SECRET,
    RevokeKey(),
    END_TOKENS,
    Usage(),
    ImportKeys(),
    InspectToken(),
    CreateSigningKey(),
    NotifyExpiring(),
    ListEvents(),
    PruneEvents(),
)
