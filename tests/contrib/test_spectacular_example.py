"""The schema of the example project, as `manage.py spectacular` writes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from drf_spectacular.settings import patched_settings
from jsonschema import Draft202012Validator, FormatChecker

from tot_jwt import exceptions
from tot_jwt.contrib.spectacular.bodies import components
from tot_jwt.contrib.spectacular.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
AUTH = "/api/internal/auth"

#: Not the answer of a documented method.
ELSEWHERE = {exceptions.UnsupportedMethod}


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """Return the schema. A warning fails."""
    folder = tmp_path_factory.mktemp("schema")
    file = folder / "schema.json"
    arguments = ["--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(file)]
    done = subprocess.run(
        [sys.executable, "manage.py", "spectacular", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DEMO_DATABASE": str(folder / "demo.sqlite3")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(file.read_text("utf-8"))


def operations(schema):
    """Return all operations by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    }


def every(part, name):
    """Return all values of a member, however deep."""
    if isinstance(part, list):
        part = dict(enumerate(part))
    if not isinstance(part, dict):
        return []
    deeper = [found for value in part.values() for found in every(value, name)]
    return deeper + ([part[name]] if name in part else [])


def test_every_endpoint_appears_once(schema):
    assert sorted(operations(schema)) == [
        f"DELETE {AUTH}/keys/{{totApiKey}}",
        f"DELETE {AUTH}/token",
        "GET /.well-known/jwks.json",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/openid-configuration",
        "GET /api/catalog/products",
        f"GET {AUTH}/keys",
        f"GET {AUTH}/keys/{{totApiKey}}",
        f"GET {AUTH}/keys/{{totApiKey}}/usage",
        f"GET {AUTH}/token",
        "GET /api/legacy/person",
        "GET /api/orders",
        "GET /api/person",
        f"PATCH {AUTH}/keys/{{totApiKey}}",
        f"POST {AUTH}/keys",
        f"POST {AUTH}/keys/{{totApiKey}}/rotate",
        f"POST {AUTH}/token",
        "POST /api/legacy/person",
        "POST /api/orders",
        "POST /api/person",
        "POST /oauth/introspect",
        "POST /oauth/revoke",
        "POST /oauth/token",
    ]
    names = [operation["operationId"] for operation in operations(schema).values()]
    assert len(set(names)) == len(names)


def test_every_code_appears(schema):
    def subclasses(kind):
        return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))

    expected = {
        error.code
        for error in subclasses(exceptions.TotJWTError) - ELSEWHERE
        if error.status != 500 and error is not exceptions.EscalationRefused
    }
    listed = {code for codes in every(schema["paths"], "enum") for code in codes}

    assert expected - listed == set()
    assert {"invalid_client", "invalid_scope", "unsupported_grant_type", "slow_down"} <= listed


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        (f"POST {AUTH}/token", "200 400 401 403 411 413 415 429 503"),
        (f"GET {AUTH}/token", "200 400 401 403 503"),
        (f"DELETE {AUTH}/token", "204 400 401 403 503"),
        (f"POST {AUTH}/keys", "201 400 401 403 409 411 413 415 429 503"),
        (f"DELETE {AUTH}/keys/{{totApiKey}}", "204 400 401 403 404 409 503"),
        ("POST /oauth/token", "200 400 401 411 413 415 429 503"),
        ("GET /.well-known/jwks.json", "200"),
        ("GET /api/catalog/products", "200 400 401 403 404 503"),
    ],
)
def test_operation_lists_its_statuses(schema, operation, statuses):
    listed = operations(schema)[operation]["responses"].keys()

    assert sorted(listed - {"429"}) == sorted(set(statuses.split()) - {"429"})
    assert ("429" in listed) >= ("429" in statuses)


def test_headers_of_errors_appear(schema):
    found = operations(schema)[f"POST {AUTH}/token"]["responses"]
    challenge = operations(schema)["POST /oauth/token"]["responses"]["401"]["headers"]

    assert 'Bearer realm="api"' in found["401"]["headers"]["WWW-Authenticate"]["description"]
    assert 'Basic realm="api"' in challenge["WWW-Authenticate"]["description"]
    assert found["429"]["headers"]["Retry-After"]["required"] is True
    assert "headers" not in found["400"]


def test_parameters_of_usage_are_exact(schema):
    parameters = operations(schema)[f"GET {AUTH}/keys/{{totApiKey}}/usage"]["parameters"]
    texts = {each["name"]: each["description"] for each in parameters}

    assert texts["from"].startswith("Hours that begin at this moment or later.")
    assert texts["to"].startswith("Hours that begin before this moment.")


def test_views_list_scopes_and_schemes(schema):
    listed = operations(schema)
    keys = {"totAppDomain": [], "totApiKey": [], "totSecretKey": []}

    assert listed["POST /api/orders"]["security"] == [
        {"totJwt": []},
        {"totOAuth2": ["orders:write"]},
    ]
    assert listed["POST /api/orders"]["x-required-scopes"] == ["orders:write"]
    assert listed["POST /api/orders"]["description"].endswith("Required scopes: `orders:write`.")
    assert listed["GET /api/legacy/person"]["security"] == [keys]
    assert listed["GET /api/person"]["security"] == [{"totJwt": []}, {"totOAuth2": []}, keys]
    assert "x-required-scopes" not in listed["GET /api/person"]
    assert {*schema["components"]["securitySchemes"]} == {"totJwt", "totOAuth2", "totClient", *keys}


def test_client_credentials_list_scopes(schema):
    flow = schema["components"]["securitySchemes"]["totOAuth2"]["flows"]["clientCredentials"]

    assert flow["tokenUrl"] == "/oauth/token"
    assert flow["scopes"]["orders:read"] == "Read orders"
    assert "keys:manage" in flow["scopes"]


def test_examples_fit_their_schemas():
    # OpenAPI 3.1 is JSON Schema.
    with patched_settings({"OAS_VERSION": "3.1.0"}):
        schemas = components()

    for name, example in EXAMPLES.items():
        document = {**schemas[name], "components": {"schemas": schemas}}
        validator = Draft202012Validator(document, format_checker=FormatChecker())
        assert list(validator.iter_errors(example)) == [], name


def test_examples_hold_no_secret(schema):
    text = json.dumps(schema)

    assert "sk_test_xyz789..." in text
    assert "sk_live" not in text
    assert "_tot_" not in text.replace('"tot_jwt_', "")


def test_all_components_are_used(schema):
    used = {reference.rpartition("/")[2] for reference in every(schema, "$ref")}

    assert components().keys() - used == set()
