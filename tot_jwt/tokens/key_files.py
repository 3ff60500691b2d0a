"""Key files in other forms than PEM, which must not become secrets of HMAC by mistake.

A public key is public: an attacker could sign tokens with it. PyJWT rejects some of these forms,
others only if `cryptography` is installed.
"""

import json
import re
from base64 import b64decode
from binascii import Error

from django.views.decorators.debug import sensitive_variables

from tot_jwt.conf import is_pem

_SSH = re.compile(rb"(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA")
# The head of a SEQUENCE in DER, with its length in one to four bytes, before another SEQUENCE or an
# INTEGER: so begin keys and certificates.
_DER = re.compile(rb"\x30(?:[\x00-\x7f]|\x81(.)|\x82(..)|\x83(...))(?=[\x30\x02])", re.DOTALL)


@sensitive_variables()
def is_key_file(secret: bytes) -> bool:
    """Return whether the bytes are an SSH key, a JWK, or DER, also in base64."""
    content = _without_base64(secret)
    return _is_key(secret) or (content is not None and (is_pem(content) or _is_key(content)))


def _is_key(data: bytes) -> bool:
    return _SSH.match(data.lstrip()) is not None or _is_der(data) or _is_json_object(data)


def _is_der(data: bytes) -> bool:
    head = _DER.match(data)
    if head is None:
        return False
    long_form = head[1] or head[2] or head[3]
    length = data[1] if long_form is None else int.from_bytes(long_form)
    return len(data) == head.end() + length


def _is_json_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _without_base64(data: bytes) -> bytes | None:
    """Return the content of base64 or base64url, with or without padding, or None."""
    text = b"".join(data.split()).rstrip(b"=")
    try:
        return b64decode(
            text.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(text) % 4), validate=True
        )
    except Error:
        return None
