"""Recognise texts that stand in the place of a secret by mistake: hashes, masks, placeholders.

An exporting table often holds only hashes, and an admin page only masked secrets. Imported as a
secret, such a text would open the door to each reader of that table or page.

Plain hexadecimal digits are accepted: they may be a digest, but the tokens of Django REST framework
and knox look the same.
"""

import hashlib
import re
from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

_HASH = re.compile(
    r"""
    (?: [^\s$.]{1,64} \. )?                # djangorestframework-api-key's ID: prefix.hash
    (?:
        \$ (?: 1 | 2[abxy]? | 5 | 6 | 7 | y | gy | P | H | S | md5 | sha1 | apr1
             | (?: argon2 | bcrypt | pbkdf2 | scrypt ) [\w-]* ) \$ [\w./$=,+:@-]* \Z     # crypt(3)
      | \{ (?: s?sha | s?md5 | crypt | bcrypt | scrypt | argon2 | pbkdf2 ) [\w@.-]* \}  # LDAP
      | (?: argon2 | bcrypt | blake | crypt | hmac | md5 | pbkdf2 | scrypt | sha-?\d )
        [\w-]* [:$]                        # Django, Werkzeug
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MASK = re.compile(
    r"""
    .* \*{4}
  | (?: .* [\w-] )? \*{3} \Z
  | .* [•●∙█■▪]
  | .* \#{4}
  | [\w-]* (?: \.{3} | … ) [\w-]* \Z
  | .* [xX]{6}
  | (?: .* [\W_] )? [xX]{4,} (?: [\W_] | \Z )
  | [xX]{4}
  | \d (?: [.,]\d+ )? E\+\d+ \Z            # a number that a spreadsheet rounded
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = re.compile(
    r"""
    [<\[({%$] [<\[({%$]? [\w\s.:/-]* [>\])}%] [>\])}%]?         # <secret>, ${SECRET}
  | \$[A-Z]+(?:_[A-Z]+)+                                        # $SECRET_KEY
  | (?: op:// | vault: | arn:aws | ENC\[ | \$ANSIBLE_VAULT ) .*  # a reference, a ciphertext
  | \# (?: REF! | NAME\? | VALUE! | NULL! | NUM! | DIV/0! )      # a spreadsheet's errors
    """,
    re.VERBOSE,
)
#: Words around a placeholder, or alone: `sk_live_`, `test`.
_PREFIXES = "sk pk live test prod tot"
_WORDS = """
    add api app blank change client confidential credential credentials customer default deleted
    demo dummy empty encrypted enter example fake false fill fixme foo bar baz goes here hidden
    insert is key lost masked me missing my na nil no none not null nan old password passwd paste
    placeholder please private protected put redacted removed filtered replace revoked sample see
    secret set string tbd text the this todo token true undefined unknown unset use value vault
    with your
"""
_PLACEHOLDER = re.compile(
    rf"(?:{'|'.join(_PREFIXES.split())})*(?:(?:{'|'.join(_WORDS.split())})+\d{{0,4}})?"
)
_DIGESTS = {
    32: "md5",
    40: "sha1",
    56: "sha224",
    64: "sha256",
    96: "sha384",
    128: "sha512",
}
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_PUBLIC_KEY = re.compile(r"pk_")
_SECRET_KEY = re.compile(r"sk_|.*sk_(?:live|test)_", re.IGNORECASE)

_IS_HASH = _(
    "This is a stored hash, not a secret. Enter the secret itself, or create a new key for the "
    "client."
)
_IS_MASKED = _(
    "This is a masked secret. Enter the whole secret, or create a new key for the client."
)
_IS_PLACEHOLDER = _(
    "This is a placeholder. Enter the secret itself, or create a new key for the client."
)
_IS_PUBLIC_KEY = _("This looks like a public key. Check the order of the columns.")
_IS_OTHER_COLUMN = _("This is the value of another column. Check the order of the columns.")


def is_hash(text: str) -> bool:
    """Return whether the text is a stored hash that names its algorithm."""
    return _HASH.match(text) is not None


def is_secret_key(text: str) -> bool:
    """Return whether the text looks like a secret key, which no public column may hold."""
    return _SECRET_KEY.match(text) is not None


@sensitive_variables()
def is_digest_of(text: str, others: Iterable[str]) -> bool:
    """Return whether the text is a digest of nothing or of another column, as written or folded."""
    algorithm = _DIGESTS.get(len(text))
    if algorithm is None or not _HEXADECIMAL.fullmatch(text):
        return False
    columns = {""}
    for column in others:
        columns |= {column, column.strip(), column.strip().casefold()}
    digests = [
        hashlib.new(algorithm, column.encode(), usedforsecurity=False).hexdigest()
        for column in columns
    ]
    return text.lower() in digests


@sensitive_variables()
def mistake(text: str, other_columns: Iterable[str]) -> Promise | None:
    """Return why the text is not a secret, or None. `other_columns` are the rest of its row."""
    others = list(other_columns)
    if text.casefold() in [column.strip().casefold() for column in others]:
        return _IS_OTHER_COLUMN
    if _PUBLIC_KEY.match(text):
        return _IS_PUBLIC_KEY
    if is_hash(text) or is_digest_of(text, others):
        return _IS_HASH
    if _MASK.match(text):
        return _IS_MASKED
    return _IS_PLACEHOLDER if _is_placeholder(text) else None


@sensitive_variables()
def _is_placeholder(text: str) -> bool:
    if len(set(text)) == 1 or _BRACKETS.fullmatch(text):
        return True
    letters = re.sub(r"[\W_]+", "", text.casefold())
    return bool(letters) and _PLACEHOLDER.fullmatch(letters) is not None
