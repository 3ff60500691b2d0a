"""The administrators whom a host's ADMINS names."""

import django

ADDRESS = "root@example.com"
#: One of ADMINS. Django 6.0 replaced the pairs of names and addresses by addresses.
ADMIN = ADDRESS if django.VERSION >= (6, 0) else ("Root", ADDRESS)
