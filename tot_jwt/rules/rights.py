"""Compare what two keys, or two versions of one key, may do."""

from datetime import datetime
from typing import Protocol

from tot_jwt.rules import networks
from tot_jwt.rules.expiry import ends_later


class HasRights(Protocol):
    """A row of ApiKey."""

    @property
    def scope_set(self) -> frozenset[str]:
        """The scopes."""

    @property
    def expires_at(self) -> datetime | None:
        """When the key expires."""

    @property
    def allowed_ips(self) -> str:
        """The networks from which the key works; empty means all."""

    @property
    def can_issue_tokens(self) -> bool:
        """Whether the key can be exchanged for tokens."""

    @property
    def disabled_at(self) -> datetime | None:
        """When the key was disabled."""


def exceeds(one: HasRights, other: HasRights) -> bool:
    """Return whether one may do something that the other may not."""
    return (
        not one.scope_set <= other.scope_set
        or ends_later(one.expires_at, other.expires_at)
        or not networks.are_within(one.allowed_ips, other.allowed_ips)
        or (one.can_issue_tokens and not other.can_issue_tokens)
        or (one.disabled_at is None and other.disabled_at is not None)
    )
