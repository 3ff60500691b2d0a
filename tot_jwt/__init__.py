"""Exchange API keys for short-lived JSON Web Tokens, on Django REST framework.

Add ``tot_jwt`` to INSTALLED_APPS and include ``tot_jwt.urls``. Protect views with
``tot_jwt.authentication.JWTAuthentication`` and ``tot_jwt.permissions.HasScopes``.
"""

__version__ = "0.1.0"
