"""A database whose connections have a schema, as those of django-tenants. It has one set of tables.

The schema "dropped" does not exist.
"""
