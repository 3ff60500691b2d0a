"""Hosts whose admin has a theme: settings for each, and the tests that run with them."""
