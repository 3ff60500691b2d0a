"""Bodies that a client sends in chunks, on gunicorn."""

import http.client
import json
from contextlib import closing

import pytest

from tests.support.process_faults import process, sqlite
from tests.support.processes import PREFIX, driver

pytestmark = pytest.mark.services


@pytest.fixture
def send(file):
    """``send("/token", b"…", b"…")``: send chunks; return status and code of the answer."""
    driver("gunicorn")
    with process(sqlite(file)) as running:

        def post(url, *chunks, content_type="application/json"):
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
            headers = {"Content-Type": content_type, "Transfer-Encoding": "chunked"}
            with closing(connection):
                connection.request("POST", url, iter(chunks), headers, encode_chunked=True)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())

        yield post


def test_gunicorn_passes_chunks_on(send, file_key):
    members = {name: file_key[name] for name in ("appDomain", "totApiKey", "totSecretKey")}
    sent = json.dumps(members).encode()
    form = "&".join(f"{name}={value}" for name, value in members.items()).encode()
    as_form = {"content_type": "application/x-www-form-urlencoded"}

    assert send(f"{PREFIX}/token", sent[:30], sent[30:])[0] == 200
    assert send(f"{PREFIX}/token", form, **as_form)[0] == 200
    status, too_large = send(f"{PREFIX}/token", sent, *[b" " * 1000] * 9)
    assert (status, too_large["code"]) == (413, "request_too_large")

    wrong = json.dumps({**members, "totSecretKey": "wrong"}).encode()
    assert send("/anyone", wrong)[1]["code"] == "invalid_credentials"
    for url in ("/me", "/anyone"):
        assert send(url, sent[:10], sent[10:])[1]["pk"] == members["totApiKey"]
        assert send(url, form[:9], form[9:], **as_form)[1]["pk"] == members["totApiKey"]
