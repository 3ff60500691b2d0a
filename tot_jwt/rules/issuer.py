"""ISSUER as a URL, from which the URLs of discovery are built."""

from urllib.parse import SplitResult, urlsplit

from tot_jwt.conf import settings


def issuer_url() -> SplitResult | None:
    """Return ISSUER in parts, or None if it is not a URL that RFC 8414 §2 allows.

    Its scheme may also be http, for development. `tot_jwt.checks` asks for https.
    """
    try:
        url = urlsplit(settings.ISSUER)
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        return None
    has_more = any(mark in settings.ISSUER for mark in "?#@")
    return url if is_url and not has_more else None
