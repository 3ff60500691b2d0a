"""System checks: each setting, DRF's defaults, the scopes of views, and the risks of production."""

from django.core.checks import Tags, register

from tot_jwt.checks.defaults import check_authentication_order, check_default_permissions
from tot_jwt.checks.deployment import check_deployment, check_live_keys
from tot_jwt.checks.scopes import check_required_scopes
from tot_jwt.checks.values import check_settings

__all__ = [
    "check_authentication_order",
    "check_default_permissions",
    "check_deployment",
    "check_live_keys",
    "check_required_scopes",
    "check_settings",
    "register_all",
]


def register_all() -> None:
    """Register the checks. The app's configuration calls this once."""
    register(check_settings, Tags.security)
    register(check_authentication_order, Tags.security)
    register(check_default_permissions, Tags.security)
    register(check_required_scopes, Tags.urls)
    register(check_deployment, Tags.security, deploy=True)
    register(check_live_keys, Tags.database, deploy=True)
