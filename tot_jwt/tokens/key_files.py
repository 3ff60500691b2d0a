"""Key files in other forms than PEM, which must not become secrets of HMAC by mistake.

A public key is public: an attacker could sign tokens with it. PyJWT rejects some of these forms.
Here, a file is also found after a tool has damaged or encoded it.
"""

import json
import re
from base64 import b64decode
from binascii import Error, unhexlify
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote_to_bytes

from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import is_pem

# Parts of a PEM file that has lost its dashes, of XML, of a JWK, and of a line of SSH.
_WORDS = re.compile(
    rb"(?:PUBLIC|PRIVATE)[ _+]KEY|CERTIFICATE|<Modulus>|[\"']kty\\?[\"']"
    rb"|(?:ssh|ecdsa|sk)-[a-z0-9@.-]+[ \t]+AAAA",
    re.IGNORECASE,
)
_SSH_BLOB = re.compile(rb"\0\0\0.(?:ssh|ecdsa|sk)-", re.DOTALL)
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
# How keys and certificates in DER begin: a SEQUENCE of a SEQUENCE, a version, a modulus or an
# object identifier. The last byte of each is not printable, so no text looks like one.
_DER = re.compile(
    rb"\x30(%(length)s)(?=\x30%(length)s[\x02\x06\xa0]|\x02\x01[\x00-\x03]"
    rb"|\x02(?:\x81.|\x82..)\x00|\x06\x09\x2a\x86)" % {b"length": _LENGTH},
    re.DOTALL,
)
#: Bytes after DER, for example a line break.
_MAX_TRAILING = 2
#: What editors and other tools put around a text.
_AROUND = b" \t\r\n\"',;\xef\xbb\xbf\xff\xfe"


@sensitive_variables()
def is_key_file(secret: bytes) -> bool:
    """Return whether the bytes are a key or a certificate, in any common form.

    Base64 and hexadecimal digits are decoded twice, percent-encoding once.
    """
    # Without its NULs, a text in UTF-16 is readable.
    text = unquote_to_bytes(secret.replace(b"\0", b"")).replace(rb"\n", b"").strip(_AROUND)
    once = _decoded([text])
    return any(map(_is_key, [secret, text, *once, *_decoded(once)]))


def _is_key(data: bytes) -> bool:
    has_words = is_pem(data) or _WORDS.search(data) is not None
    return has_words or _SSH_BLOB.match(data) is not None or _is_der(data) or _is_json(data)


def _is_der(data: bytes) -> bool:
    head = _DER.match(data)
    if head is None:
        return False
    length = head[1][0] if len(head[1]) == 1 else int.from_bytes(head[1][1:])
    return 0 <= len(data) - head.end() - length <= _MAX_TRAILING


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict | list)
    except (ValueError, RecursionError):
        return False


@sensitive_variables()
def _decoded(texts: Iterable[bytes]) -> list[bytes]:
    """Return what the texts are without base64 (also base64url), and without hexadecimal digits."""
    results = []
    for text in texts:
        joined = b"".join(text.split())
        digits = joined.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        with suppress(Error):
            results.append(b64decode(digits + b"=" * (-len(digits) % 4), validate=True))
        with suppress(Error):
            results.append(unhexlify(joined.replace(b":", b"")))
    return results
