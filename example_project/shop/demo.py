"""The data and the keys of the demo, and the curl lines that use them."""

import json
import secrets
import shlex
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.core.management import call_command

from tot_jwt.access.exchange import exchange
from tot_jwt.api import responses
from tot_jwt.keys import create_domain, create_key
from tot_jwt.models import AppDomain
from tot_jwt.rules.credentials import Credentials, PresentedSecret
from tot_jwt.tokens import ApiToken
from tot_jwt.tokens.backend import backend

ADMINISTRATOR = "admin"
SCOPES = ["catalog:read", "orders:read", "orders:write"]

#: The members of a request body that hold an API key.
Keys = dict[str, str]


class Line(NamedTuple):
    """A curl command and its outcome: the status and the detail of the response."""

    title: str
    outcome: str
    command: str


class Demo(NamedTuple):
    """What `manage.py demo` prints."""

    password: str
    lines: list[Line]
    token_expires_at: str


def build(url: str) -> Demo:
    """Fill an empty database and return curl lines for a server at this URL."""
    password = secrets.token_urlsafe(9)
    get_user_model()._default_manager.create_superuser(ADMINISTRATOR, password=password)
    domain = create_domain("myapp.com", name="My app")
    create_domain("otherapp.com", name="Other app")
    call_command("loaddata", "shop", verbosity=0)
    keys = _create_keys(domain, "Demo", scopes=SCOPES)
    without_tokens = _create_keys(domain, "Demo, no tokens", can_issue_tokens=False)
    token = _exchange(keys)
    lines = _lines(url, keys, without_tokens, token["token"])
    return Demo(password, lines, token["expiresAt"])


def expired(raw: str) -> str:
    """Return the token as if it were an hour older: signed correctly, but expired."""
    claims = dict(ApiToken(raw).payload)
    return backend().encode(claims | {"iat": claims["iat"] - 3600, "exp": claims["exp"] - 3600})


def _create_keys(domain: AppDomain, name: str, **options: Any) -> Keys:
    key, secret = create_key(domain, name=name, environment="test", **options)
    return {
        "appDomain": domain.domain,
        "totApiKey": key.public_key,
        "totSecretKey": secret.reveal(),
    }


def _exchange(keys: Keys) -> dict[str, Any]:
    credentials = Credentials(
        keys["appDomain"], keys["totApiKey"], PresentedSecret(keys["totSecretKey"])
    )
    return responses.issued_token(exchange(credentials, None, address="127.0.0.1"))


def _lines(url: str, keys: Keys, without_tokens: Keys, token: str) -> list[Line]:
    token_url, person_url = f"{url}/api/internal/auth/token", f"{url}/api/person"
    wrong = {**keys, "totSecretKey": "sk_test_wrong"}
    return [
        Line("Exchange an API key for a token", "200", _post(token_url, keys)),
        Line("Use the token", "200", _get(person_url, token)),
        Line("Verify the token", "200", _get(token_url, token)),
        Line("Use an expired token", "401 Token has expired", _get(person_url, expired(token))),
        Line("Send a wrong secret", "401 Invalid credentials", _post(token_url, wrong)),
        Line(
            "Send a key that cannot be exchanged",
            "403 API key lacks necessary permissions",
            _post(token_url, without_tokens),
        ),
        Line("Get a token as an OAuth client", "200", _oauth(f"{url}/oauth/token", keys)),
    ]


def _post(url: str, body: Keys) -> str:
    return shlex.join(
        [
            "curl",
            "-i",
            "-X",
            "POST",
            url,
            "-H",
            "Content-Type: application/json",
            "-d",
            json.dumps(body),
        ]
    )


def _oauth(url: str, keys: Keys) -> str:
    client = f"{keys['totApiKey']}:{keys['totSecretKey']}"
    return shlex.join(["curl", "-i", url, "-u", client, "-d", "grant_type=client_credentials"])


def _get(url: str, token: str) -> str:
    return shlex.join(["curl", "-i", url, "-H", f"Authorization: Bearer {token}"])
