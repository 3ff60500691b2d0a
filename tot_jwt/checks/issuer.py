"""Whether the metadata is served at the URL that its issuer has."""

from collections.abc import Collection

from django.urls import NoReverseMatch, get_resolver, reverse

from tot_jwt.rules.issuer import issuer_url


def differs_from_metadata() -> bool:
    """Return whether the host mounts the metadata, but clients reject it.

    It must name the URL of ``oauth/token``, and stand below ISSUER, an https URL. A client builds
    its URL from the issuer: RFC 8414 §3.1 inserts the well-known part before the issuer's path,
    OpenID Connect Discovery §4.1 appends it.
    """
    if "tot_jwt_well_known" not in _namespaces():
        return False
    try:
        inserted, appended = map(_path, ("oauth-authorization-server", "openid-configuration"))
        reverse("tot_jwt_oauth:token")
    except NoReverseMatch:
        # Not mounted, or below a prefix that captures arguments: then no document can name it.
        return True
    issuer = issuer_url()
    if issuer is None or issuer.scheme != "https":
        return True
    path = issuer.path.rstrip("/")
    return (
        inserted != "/.well-known/oauth-authorization-server"
        and appended != f"{path}/.well-known/openid-configuration"
    )


def _namespaces() -> Collection[str]:
    try:
        return get_resolver().app_dict
    except Exception:  # Django's own checks report a URLconf that cannot be imported
        return ()


def _path(name: str) -> str:
    return reverse(f"tot_jwt_well_known:{name}", kwargs={"issuer_path": ""})
