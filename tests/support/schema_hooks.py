"""Hooks of Schemathesis: real credentials, and texts that OpenAPI cannot describe exactly."""

import json
import os
from base64 import b64encode
from typing import Any
from urllib.request import Request, urlopen

import schemathesis
from hypothesis import strategies as st

from tests.support.requests import JSON, TOKEN_URL

ADDRESS = os.environ["TOT_JWT_SCHEMA_URL"]
KEYS: dict[str, str] = json.loads(os.environ["TOT_JWT_SCHEMA_KEYS"])
HEADERS = {
    "appDomain": "Tot-App-Domain",
    "totApiKey": "Tot-Api-Key",
    "totSecretKey": "Tot-Secret-Key",
}
#: Within the longest lifetime of a created key.
EXPIRY = os.environ["TOT_JWT_SCHEMA_EXPIRY"]


@schemathesis.auth().apply_to(path_regex="^/api/(internal/auth/keys|person|orders|catalog)")
class Token:
    """A token."""

    def get(self, case: Any, context: Any) -> str:
        sent = Request(ADDRESS + TOKEN_URL, json.dumps(KEYS).encode(), {"Content-Type": JSON})
        with urlopen(sent) as response:
            return str(json.load(response)["token"])

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth().apply_to(path=TOKEN_URL, method="GET")
class VerifiedToken(Token):
    """A token for the endpoint that also issues tokens."""


@schemathesis.auth(refresh_interval=None).apply_to(path=TOKEN_URL, method="DELETE")
class RevokedToken(Token):
    """A new token for each request."""


@schemathesis.auth().apply_to(path="/api/legacy/person")
class Keys:
    """The three headers."""

    def get(self, case: Any, context: Any) -> dict[str, str]:
        return KEYS

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        case.headers.update({header: data[name] for name, header in HEADERS.items()})


@schemathesis.auth().apply_to(path_regex="^/oauth/")
class Basic(Keys):
    """HTTP Basic, in place of the credentials in the form."""

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        pair = f"{data['totApiKey']}:{data['totSecretKey']}"
        case.headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        if isinstance(case.body, dict):
            case.body.pop("client_secret", None)
            case.body.pop("client_id", None)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let valid exchanges succeed, and put valid expiries into the future."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_valid or not isinstance(case.body, dict):
        return
    if case.path == TOKEN_URL:
        case.body.update(KEYS)
    if case.body.get("expiresAt"):
        case.body["expiresAt"] = EXPIRY


schemathesis.openapi.format(
    "ip-network",
    st.one_of(st.ip_addresses().map(str), st.just("192.0.2.0/24"), st.just("2001:db8::/32")),
)
#: Only the server makes cursors.
schemathesis.openapi.format("cursor", st.nothing())
