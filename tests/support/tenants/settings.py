"""Settings of a host with a database for each tenant."""

from tests.support.process_settings import *  # noqa: F403
from tests.support.process_settings import MIDDLEWARE

ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["tests.support.tenants.routing.ByHost", *MIDDLEWARE]
DATABASE_ROUTERS = ["tests.support.tenants.routing.ByThread"]
