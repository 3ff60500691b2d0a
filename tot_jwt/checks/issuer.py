"""Whether the metadata is served at the URL that its issuer has."""

from django.urls import NoReverseMatch, get_resolver, reverse

from tot_jwt.rules.issuer import issuer_url


def differs_from_metadata() -> bool:
    """Return whether the host mounts the metadata, but clients reject it.

    It must name the URL of ``oauth/token``, and stand below ISSUER, an https URL. A client builds
    its URL from the issuer: RFC 8414 §3.1 inserts the well-known part before the issuer's path,
    OpenID Connect Discovery §4.1 appends it.
    """
    try:
        inserted, appended = map(_path, ("oauth-authorization-server", "openid-configuration"))
        reverse("tot_jwt_oauth:token")
    except NoReverseMatch:
        # Not mounted, or where it has no URL of its own: below a prefix that captures arguments.
        return "tot_jwt_well_known" in get_resolver().app_dict
    issuer = issuer_url()
    if issuer is None or issuer.scheme != "https":
        return True
    path = issuer.path.rstrip("/")
    return (
        inserted != "/.well-known/oauth-authorization-server"
        and appended != f"{path}/.well-known/openid-configuration"
    )


def _path(name: str) -> str:
    return reverse(f"tot_jwt_well_known:{name}", kwargs={"issuer_path": ""})
