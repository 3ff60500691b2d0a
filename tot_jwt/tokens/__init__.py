"""Signed tokens: their claims, the keys that sign them, and the memory of verified ones."""

from tot_jwt.tokens.token import ApiToken

__all__ = ["ApiToken"]
