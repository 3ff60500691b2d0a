"""The subcommands of ``manage.py tot_jwt``: each takes parsed options and returns a JSON document.

A secret is printed only by the subcommand that creates it. A secret is never an argument: process
lists and shell histories show arguments.
"""

from tot_jwt.management.subcommands.base import Subcommand
from tot_jwt.management.subcommands.domains import CreateDomain
from tot_jwt.management.subcommands.events import ListEvents, PruneEvents
from tot_jwt.management.subcommands.import_keys import ImportKeys
from tot_jwt.management.subcommands.keys import (
    CreateKey,
    EndTokens,
    ListKeys,
    ReleaseKey,
    RevokeKey,
    RotateKey,
)
from tot_jwt.management.subcommands.tokens import InspectToken

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand, ...] = (
    CreateDomain(),
    CreateKey(),
    ListKeys(),
    RotateKey(),
    RevokeKey(),
    ReleaseKey(),
    EndTokens(),
    ImportKeys(),
    InspectToken(),
    ListEvents(),
    PruneEvents(),
)
