"""Persons, products and orders: the API that the tokens are for."""
