"""The admin of domains, keys and events.

Each change goes through `tot_jwt.keys`. The admin deletes nothing.
"""

from tot_jwt.admin.domains import AppDomainAdmin as AppDomainAdmin
from tot_jwt.admin.history import KeyEventAdmin as KeyEventAdmin
from tot_jwt.admin.keys import ApiKeyAdmin as ApiKeyAdmin
