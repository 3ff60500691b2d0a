"""Create the tenants "a" and "b", and print their keys: ``manage.py shell`` runs these functions.

The keys "shared" and "used" have the same public keys at both tenants.
"""

import json
import sys
from typing import Any

from django.core.management import call_command

from tot_jwt.keys import create_domain, create_key


def fill_databases() -> None:
    """Fill a database for each tenant."""
    from tests.support.tenants.routing import use_database

    keys = {}
    for tenant in ("a", "b"):
        use_database(tenant)
        call_command("migrate", database=tenant, verbosity=0)
        keys[tenant] = _create_keys(tenant)
    sys.stdout.write(json.dumps(keys))


def fill_schemas() -> None:
    """Fill a schema for each tenant, with django-tenants."""
    from django_tenants.utils import schema_context

    from tests.support.tenants.models import Domain, Tenant

    call_command("migrate_schemas", shared=True, run_syncdb=True, verbosity=0)
    keys = {}
    for name in ("a", "b"):
        tenant = Tenant(name=name, schema_name=name)
        tenant.save(verbosity=0)
        Domain.objects.create(domain=f"{name}.example.com", tenant=tenant)
        with schema_context(name):
            keys[name] = _create_keys(name)
    sys.stdout.write(json.dumps(keys))


def _create_keys(tenant: str) -> dict[str, Any]:
    """Return the credentials of a tenant's keys. Their scope is the tenant's name."""
    domain = create_domain("example.com")
    made = {}
    for name, public_key in {"own": None, "shared": "pk_shared", "used": "pk_used"}.items():
        key, secret = create_key(domain, name=tenant, scopes=[tenant], public_key=public_key)
        made[name] = {
            "appDomain": "example.com",
            "totApiKey": key.public_key,
            "totSecretKey": secret.reveal(),
        }
    return made
