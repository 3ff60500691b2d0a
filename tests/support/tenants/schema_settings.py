"""Settings of a host with a schema for each tenant."""

from tests.support.process_settings import *  # noqa: F403
from tests.support.process_settings import INSTALLED_APPS, MIDDLEWARE

ALLOWED_HOSTS = ["*"]
SHARED_APPS = ["django_tenants", "tests.support.tenants"]
TENANT_APPS = INSTALLED_APPS
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware", *MIDDLEWARE]
