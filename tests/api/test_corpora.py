"""Public collections of hostile data, sent to every endpoint: never accepted, never a 500."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.hostile import send
from tests.support.keys_client import KEYS_URL, client_of, url_of
from tests.support.requests import TOKEN_URL, body

FOLDERS = [
    os.environ.get("TOT_JWT_CORPORA"),
    Path(__file__).resolve().parents[3] / "shared" / "corpora",
]
CORPORA = next((Path(folder) for folder in FOLDERS if folder and Path(folder).is_dir()), None)
FORM = "application/x-www-form-urlencoded"

pytestmark = pytest.mark.skipif(
    CORPORA is None, reason="needs the corpora that TOT_JWT_CORPORA names"
)


def json_test_suite():
    """Return the files of JSONTestSuite."""
    files = sorted((CORPORA / "JSONTestSuite" / "test_parsing").glob("*.json"))
    assert len(files) == 318
    return files


@pytest.mark.req("C3")
@pytest.mark.parametrize("url", [TOKEN_URL, "/me", "/anyone"])
@pytest.mark.usefixtures("unlimited")
def test_json_test_suite_causes_no_500(db, client, url):
    for file in json_test_suite():
        answer = client.generic("POST", url, file.read_bytes(), CONTENT_TYPE="application/json")
        allowed = (400, 413) if url == TOKEN_URL else (200,) if url == "/anyone" else (401,)
        assert answer.status_code in allowed, file.name


@pytest.mark.req("C3")
@pytest.mark.usefixtures("unlimited")
def test_json_test_suite_changes_no_key(make_key):
    key = make_key()
    headers = client_of(key).headers

    for file in json_test_suite():
        assert send("POST", KEYS_URL, file.read_bytes(), headers=headers).status_code in (
            400,
            413,
        ), file.name
        rotation = send("POST", f"{url_of(key)}/rotate", file.read_bytes(), headers=headers)
        assert rotation.status_code in (400, 413) or rotation.json()["code"] == "secret_required", (
            file.name
        )


def naughty_strings():
    """Return the Big List of Naughty Strings."""
    return json.loads((CORPORA / "blns.json").read_text())


@pytest.mark.req("C3", "B4")
@pytest.mark.parametrize("url", [TOKEN_URL, "/me"])
@pytest.mark.parametrize("field", ["appDomain", "totApiKey", "totSecretKey"])
@pytest.mark.usefixtures("unlimited")
def test_naughty_string_in_field_is_rejected(make_key, client, url, field):
    good = body(make_key())
    strings = naughty_strings()
    assert len(strings) > 500

    for text in strings:
        sent = {**good, field: text}
        in_form = "&".join(f"{name}={quote(value)}" for name, value in sent.items())
        assert client.post(url, sent, content_type="application/json").status_code in (400, 401), (
            text
        )
        assert client.post(url, in_form, content_type=FORM).status_code in (400, 401), text


@pytest.mark.req("A7")
@pytest.mark.usefixtures("unlimited")
def test_naughty_string_as_header_is_rejected(db, client):
    for text in naughty_strings():
        sent = text.encode().decode("latin-1")
        for headers in (
            {"Authorization": f"Bearer {sent}"},
            {"Authorization": sent},
            {"Tot-Api-Key": sent, "Tot-Secret-Key": sent, "Tot-App-Domain": sent},
        ):
            assert client.get(TOKEN_URL, headers=headers).status_code in (400, 401), text
            assert client.get("/me", headers=headers).status_code in (400, 401), text


@pytest.mark.req("B4", "B5")
@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("field", ["Tot-App-Domain", "Tot-Api-Key", "Tot-Secret-Key"])
def test_naughty_key_header_is_rejected(make_key, client, field):
    key = make_key()
    good = {
        "Tot-App-Domain": key.app_domain.domain,
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }
    assert client.get("/me", headers=good).status_code == 200

    for text in naughty_strings():
        headers = {**good, field: text.encode().decode("latin-1")}
        assert client.get("/me", headers=headers).status_code in (400, 401), text


@pytest.mark.req("F2")
def test_naughty_public_key_is_not_found(make_key):
    api = client_of(make_key())

    for text in filter(None, naughty_strings()):
        assert api.show(text).status_code == 404, text
