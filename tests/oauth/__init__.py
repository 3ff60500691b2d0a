"""Clients, verifiers and proxies of others against a real server: ``tox run -e oauth``."""
