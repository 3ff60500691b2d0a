"""Whether the metadata is served at the URL that its issuer has."""

from django.urls import NoReverseMatch, reverse

from tot_jwt.rules.issuer import issuer_url


def differs_from_metadata() -> bool:
    """Return whether the host mounts the metadata, but not below an https URL that ISSUER is.

    A client builds the URL of the metadata from the issuer, and rejects another one: RFC 8414 §3.1
    inserts the well-known part before the issuer's path, OpenID Connect Discovery §4.1 appends it.
    """
    try:
        inserted, appended = map(_path, ("oauth-authorization-server", "openid-configuration"))
    except NoReverseMatch:
        return False
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
