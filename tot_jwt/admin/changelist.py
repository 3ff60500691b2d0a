"""The lists of the admin: rows without a value come last, and a search finds Unicode domains."""

from itertools import islice
from typing import TYPE_CHECKING, Any

import idna
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, Q
from django.db.models.constants import LOOKUP_SEP
from django.utils.text import smart_split, unescape_string_literal

from tot_jwt.models import AppDomain

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

    _Base = ChangeList
else:
    _Base = object

#: The most words of a search, and the most characters: no column of names is longer.
_MAX_WORDS, _MAX_TERM = 32, 1000
#: The most parts of a look-up. Django handles the parts recursively.
_MAX_PARTS = 16


class NullsLast(_Base):
    """A change list that puts rows without a value last, in both directions of each column.

    Databases disagree: on PostgreSQL, a key that was never used would be the last one used.
    """

    def get_ordering(self, request: Any, queryset: Any) -> Any:
        """Return the ordering of Django's change list, with the place of missing values."""
        return [_nulls_last(self.model, order) for order in super().get_ordering(request, queryset)]


def is_short(lookup: str) -> bool:
    """Return whether the look-up has so few parts that Django can handle it."""
    return lookup.count(LOOKUP_SEP) < _MAX_PARTS


def search_words(term: str, *, with_unicode: bool) -> tuple[list[str], list[tuple[str, Q]]]:
    """Return the search term's plain words, and each other word with the domains it may mean.

    The database holds the domains in ASCII: `xn--bcher-kva.example` contains no `bücher`.
    Without `with_unicode`, all words are plain. Words beyond the first 32 are ignored.
    """
    plain: list[str] = []
    encoded: list[tuple[str, Q]] = []
    usable = term.replace("\0", "")[:_MAX_TERM]  # PostgreSQL rejects NUL
    for word in islice(smart_split(usable), _MAX_WORDS):
        text = unescape_string_literal(word) if _is_quoted(word) else word
        if text.isascii() or not with_unicode:
            plain.append(word)
        else:
            encoded.append((word, _containing(_folded(text))))
    return plain, encoded


def _containing(text: str) -> Q:
    encoded = AppDomain.objects.filter(Q(domain__contains="xn--") | Q(aliases__contains="xn--"))
    rows = encoded.order_by().values_list("pk", "domain", "aliases")
    found = Q(pk__in=[pk for pk, *names in rows.iterator() if text in _decoded(" ".join(names))])
    if text.isascii():  # for example full-width letters
        found |= Q(domain__contains=text) | Q(aliases__contains=text)
    return found


def _folded(text: str) -> str:
    try:
        return idna.uts46_remap(text, std3_rules=False).casefold()
    except idna.IDNAError:
        return text.casefold()


def _decoded(names: str) -> str:
    """Return the domains in Unicode. A label that is not the code of any text stays as it is."""
    return " ".join(".".join(map(_decoded_label, name.split("."))) for name in names.split())


def _decoded_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode").casefold()
    except UnicodeError:
        return label


def _is_quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]


def _nulls_last(model: type[Model], order: Any) -> Any:
    if not isinstance(order, str):
        return order
    name = order.removeprefix("-")
    if not _is_nullable(model, name):
        return order
    return F(name).desc(nulls_last=True) if order != name else F(name).asc(nulls_last=True)


def _is_nullable(model: Any, name: str) -> bool:
    for part in name.split(LOOKUP_SEP):
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:  # an annotation, `pk`
            return False
        if field.null:
            return True
        model = field.related_model
    return False


def with_domains(domains: Q, path: str) -> Q:
    """Return the condition for rows whose domain, at the path, is one of these domains."""
    return Q(**{f"{path}__in": AppDomain.objects.filter(domains).values("pk")})
