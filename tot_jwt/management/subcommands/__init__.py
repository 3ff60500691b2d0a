"""The subcommands of ``manage.py tot_jwt``: each takes parsed options and returns one JSON document.

The members are the contract's. A secret is in the answer of the act that made it, and in no argument: arguments
stand in process lists and shell histories.
"""

from tot_jwt.management.subcommands.base import Subcommand
from tot_jwt.management.subcommands.events import ListEvents, PruneEvents
from tot_jwt.management.subcommands.import_keys import ImportKeys
from tot_jwt.management.subcommands.keys import (
    CreateDomain,
    CreateKey,
    EndTokens,
    ListKeys,
    RevokeKey,
    RotateKey,
)
from tot_jwt.management.subcommands.tokens import InspectToken

SUBCOMMANDS: tuple[type[Subcommand], ...] = (
    CreateDomain,
    CreateKey,
    ListKeys,
    RotateKey,
    RevokeKey,
    EndTokens,
    ImportKeys,
    InspectToken,
    ListEvents,
    PruneEvents,
)
