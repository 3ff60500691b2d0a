"""Pages of a list, found by a cursor: the key next to which a page begins.

A client that follows the links sees each key exactly once, even if keys are created or revoked
meanwhile. Page numbers would shift with each of these changes.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple, Self

from tot_jwt.models import ApiKey, ApiKeyQuerySet
from tot_jwt.rules import lengths

PAGE_SIZE = 50

_NEXT, _PREVIOUS = "n", "p"


class Cursor(NamedTuple):
    """A place in a list, newest first: after a key, or before it if `is_backwards`."""

    public_key: str
    is_backwards: bool

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """Return the cursor of an encoded text, or None if the text is not a cursor."""
        if not text.isascii() or len(text) > 2 * lengths.PUBLIC_KEY:
            return None
        try:
            decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except ValueError:
            return None
        direction, public_key = decoded[:1], decoded[1:]
        if direction not in (_NEXT, _PREVIOUS) or not public_key:
            return None
        cursor = cls(public_key, direction == _PREVIOUS)
        # Python's decoder ignores characters outside the alphabet.
        return cursor if cursor.encode() == text else None

    def encode(self) -> str:
        """Return the cursor as a text for a URL."""
        direction = _PREVIOUS if self.is_backwards else _NEXT
        return urlsafe_b64encode(f"{direction}{self.public_key}".encode()).decode().rstrip("=")


class Page(NamedTuple):
    """The keys of a page, newest first, and the cursors of the pages beside it."""

    keys: list[ApiKey]
    next: Cursor | None
    previous: Cursor | None


def page_of(keys: ApiKeyQuerySet, cursor: Cursor | None, place: ApiKey | None) -> Page:
    """Return the page of the keys at the cursor. `place` is the key that the cursor names."""
    if cursor is None or place is None:
        found = list(keys.order_by("-pk")[: PAGE_SIZE + 1])
        return _page(found[:PAGE_SIZE], has_next=len(found) > PAGE_SIZE, has_previous=False)
    if cursor.is_backwards:
        found = list(keys.filter(pk__gt=place.pk).order_by("pk")[: PAGE_SIZE + 1])
        shown = found[PAGE_SIZE - 1 :: -1]
        has_next = keys.filter(pk__lte=place.pk).exists()
        return _page(shown, has_next=has_next, has_previous=len(found) > PAGE_SIZE)
    found = list(keys.filter(pk__lt=place.pk).order_by("-pk")[: PAGE_SIZE + 1])
    has_previous = keys.filter(pk__gte=place.pk).exists()
    return _page(found[:PAGE_SIZE], has_next=len(found) > PAGE_SIZE, has_previous=has_previous)


def _page(keys: list[ApiKey], *, has_next: bool, has_previous: bool) -> Page:
    """Return the page with links to its neighbours. An empty page has none."""
    return Page(
        keys,
        Cursor(keys[-1].public_key, False) if keys and has_next else None,
        Cursor(keys[0].public_key, True) if keys and has_previous else None,
    )
