"""Who runs a command, for the record."""

import getpass
import os

from tot_jwt.keys.record import Actor
from tot_jwt.utils.logs import one_line

#: Characters of the user's name that the record keeps.
MAX_USER = 200


def operator() -> Actor:
    """Return the actor for the operating system's user: ``alice (command line)``."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):
        # A container may run under a user ID that has no name. Windows has no user IDs.
        user = f"uid {getattr(os, 'getuid', str)()}"
    # The name may come from an environment variable, which can hold any text.
    return Actor(f"{one_line(user)[:MAX_USER]} (command line)")
