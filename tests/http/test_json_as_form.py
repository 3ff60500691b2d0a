"""JSON that a client sends as a form to a view of the host: ``curl -d`` without a Content-Type."""

import json
from urllib.parse import quote

import pytest

from tests.support.requests import FORM, TOKEN_URL, body

EXPLAINED = {
    "detail": "The body is JSON: send it with the header Content-Type: application/json",
    "code": "malformed_request",
}


@pytest.mark.req("C8")
@pytest.mark.parametrize("url", ["/me", "/anyone", "/keys-only"])
@pytest.mark.parametrize(
    "encode",
    [
        str,
        quote,
        lambda text: quote(text) + "=",
        lambda text: "\ufeff \n" + text,
        lambda text: "+%20%0a" + text + "\n",
        lambda text: text.replace('"tot', r'"\u0074ot'),
        lambda text: text[:-1] + ', "x": "a&b=c"}',
    ],
)
def test_keys_in_json_are_found(make_key, client, url, encode):
    sent = encode(json.dumps(body(make_key())))

    answer = client.generic("POST", url, sent.encode(), content_type=FORM)

    assert (answer.status_code, answer.json()) == (400, EXPLAINED)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("url", ["/anyone", TOKEN_URL])
@pytest.mark.req("E1", "E8")
def test_rejected_json_leaves_no_form(make_key, client, url):
    sent = json.dumps(body(make_key()))

    answer = client.generic("POST", url, sent.encode(), content_type=FORM)

    assert answer.status_code == 400
    assert not answer.wsgi_request.POST
    assert not answer.wsgi_request.FILES


@pytest.mark.parametrize(
    "sent", ['{"a": "b"}', '{"totApiKey"', "x={totApiKey}", '["totApiKey"]', "{}", "{=&}"]
)
def test_other_forms_stay_forms(db, client, sent):
    answer = client.generic("POST", "/anyone", sent.encode(), content_type=FORM)

    assert answer.status_code == 200
