"""Hosts with several tenants: a database each, or a schema each. The host name selects one."""
