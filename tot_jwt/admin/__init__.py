"""The admin of domains, keys and events. Every change goes through `tot_jwt.lifecycle`; nothing is ever deleted."""

from tot_jwt.admin.domains import AppDomainAdmin as AppDomainAdmin
from tot_jwt.admin.history import KeyEventAdmin as KeyEventAdmin
from tot_jwt.admin.keys import ApiKeyAdmin as ApiKeyAdmin
