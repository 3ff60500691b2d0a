"""Persons, products and orders: the API that the tokens protect."""
