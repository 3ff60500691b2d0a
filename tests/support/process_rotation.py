"""A process that rotates a key and dies at a given moment.

Usage: ``python -m tests.support.process_rotation PUBLIC_KEY MOMENT``
"""

import os
import signal
import sys
from datetime import timedelta
from typing import Any

import django


def rotate(public_key: str, moment: str) -> None:
    """Rotate the key, and die at the moment."""
    django.setup()
    from django.db.models.signals import post_save

    from tot_jwt.keys import lifecycle
    from tot_jwt.models import ApiKey, KeyEvent
    from tot_jwt.signals import key_event

    hook, sender = {
        "row written": (post_save, ApiKey),
        "event written": (post_save, KeyEvent),
        "committed": (key_event, KeyEvent),
    }[moment]
    hook.connect(die, sender=sender)
    lifecycle.rotate_key(ApiKey.objects.get(public_key=public_key), grace=timedelta(days=1))


def die(**_: Any) -> None:
    """Kill the process, without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    rotate(*sys.argv[1:])
