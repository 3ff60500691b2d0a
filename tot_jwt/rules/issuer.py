"""ISSUER as a URL, from which the URLs of discovery are built."""

import re
from urllib.parse import SplitResult, urlsplit

from tot_jwt.conf import settings

# The characters of RFC 3986, without those before a query, a fragment and a user.
_URL = re.compile(r"https?://[A-Za-z0-9._~:/\[\]!$&'()*+,;=%-]+", re.IGNORECASE)


def issuer_url() -> SplitResult | None:
    """Return ISSUER in parts, or None if it is not a URL that RFC 8414 §2 allows.

    Its scheme may also be http, for development. `tot_jwt.checks` asks for https.
    """
    if _URL.fullmatch(settings.ISSUER) is None:
        return None
    try:
        url = urlsplit(settings.ISSUER)
        # The port is read here: one that is not a number up to 65535 raises ValueError.
        is_complete = bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_complete else None
