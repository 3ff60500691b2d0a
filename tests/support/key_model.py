"""A model of keys and tokens, which predicts what is accepted.

It shares no code with the package.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tests.support.keys_client import KeysClient

MANAGE = "keys:manage"

#: Lists of networks → which of five addresses they contain. All calls come from the first.
NETWORKS = {
    (): frozenset("ABCDE"),
    ("0.0.0.0/0",): frozenset("ABCD"),
    ("127.0.0.0/8",): frozenset("AB"),
    ("127.0.0.1/32",): frozenset("A"),
    ("192.0.2.0/24",): frozenset("C"),
    ("127.0.0.1/32", "192.0.2.0/24"): frozenset("AC"),
}
OURS = "A"


class Rights(NamedTuple):
    """What a key may do, by its own row."""

    scopes: frozenset[str]
    ends: datetime
    addresses: frozenset[str]
    issues: bool
    is_on: bool

    def are_within(self, other: "Rights") -> bool:
        """Return whether the other has all of these rights."""
        return (
            self.scopes <= other.scopes
            and self.ends <= other.ends
            and self.addresses <= other.addresses
            and self.issues <= other.issues
            and self.is_on <= other.is_on
        )


@dataclass(eq=False)
class Key:
    """A key in the model."""

    public_key: str
    secret: str
    scopes: frozenset[str]
    ends: datetime
    networks: tuple[str, ...] = ()
    creator: "Key | None" = None
    issues: bool = True
    disabled: bool = False
    revoked: bool = False
    released: bool = False
    restricted: bool = False
    generation: int = 1
    previous: str | None = None
    #: Whether the current secret was used since the key got it.
    is_used: bool = False
    #: The key whose token rotated this one last; None if an administrator did.
    rotated_by: "Key | None" = None
    #: None until the key is renamed.
    name: str | None = None

    @property
    def inside(self) -> "Key | None":
        """The key inside which this key lives."""
        return None if self.released else self.creator

    @property
    def chain(self) -> list["Key"]:
        """The key and the one that it lives inside: it has what all of them have."""
        return [self] if self.inside is None else [self, self.inside]

    @property
    def addresses(self) -> frozenset[str]:
        return NETWORKS[self.networks]

    @property
    def own_rights(self) -> Rights:
        return Rights(self.scopes, self.ends, self.addresses, self.issues, not self.disabled)

    @property
    def works(self) -> bool:
        return not any(key.revoked or key.disabled for key in self.chain)

    @property
    def is_usable(self) -> bool:
        """Whether the key works from our address."""
        return self.works and all(OURS in key.addresses for key in self.chain)

    @property
    def may_issue(self) -> bool:
        return self.is_usable and all(key.issues for key in self.chain)

    @property
    def live_scopes(self) -> frozenset[str]:
        return frozenset.intersection(*[key.scopes for key in self.chain])

    def created(self, key: "Key") -> bool:
        """Return whether the other lives inside this key."""
        return key.inside is self

    def lost_answer(self, caller: "Key") -> bool:
        """Return whether the caller rotated the key last, and nobody used the new secret."""
        return self.rotated_by is caller and self.previous is not None and not self.is_used

    def controls(self, key: "Key") -> bool:
        return self.created(key) and not key.restricted


@dataclass(eq=False)
class Token:
    """A token in the model."""

    raw: str
    key: Key
    scopes: frozenset[str]
    generation: int = 1
    api: KeysClient = field(init=False)

    def __post_init__(self) -> None:
        self.api = KeysClient(self.raw)

    @property
    def rights(self) -> frozenset[str] | None:
        """The scopes that the token has now; None if it must be rejected."""
        if not self.key.is_usable or self.generation != self.key.generation:
            return None
        return self.scopes & (self.key.live_scopes | {MANAGE})

    @property
    def manages(self) -> bool:
        return self.rights is not None and MANAGE in self.rights

    def reaches(self, key: Key) -> bool:
        """Return whether the token may act on the key at all: one generation."""
        return self.manages and (self.key.inside is None or self.key is key)

    def covers(self, key: Key) -> bool:
        """Return whether the key's scopes are within the token's."""
        return self.rights is not None and key.scopes <= self.rights


def pick(items: list[Any], number: int) -> Any:
    """Return one of the items; every number picks one."""
    return items[number % len(items)]
