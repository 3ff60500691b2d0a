"""Hosts that come from other packages: docs/migrating.md, run against the tables of each."""
