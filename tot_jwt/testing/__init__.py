"""Helpers for the tests of a host: clients with real tokens, and a memory without leftovers."""

from tot_jwt.testing.cases import TotJWTTestMixin
from tot_jwt.testing.clients import AsyncTotJWTClient, TotJWTClient, acreate_client, create_client
from tot_jwt.testing.memory import reset

__all__ = [
    "AsyncTotJWTClient",
    "TotJWTClient",
    "TotJWTTestMixin",
    "acreate_client",
    "create_client",
    "reset",
]
