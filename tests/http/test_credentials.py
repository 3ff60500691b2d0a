"""Which requests hold API keys, and which of them are malformed."""

import pytest

from tests.support.requests import FORM, JSON, TOKEN_URL, body, form, key_headers
from tests.views import KeysOnly

# Incomplete and damaged credentials


@pytest.mark.parametrize(
    "sent",
    [
        {"totApiKey": "a"},
        {"totSecretKey": "a"},
        {"totApiKey": "a", "totSecretKey": "b"},
        {"totApiKey": 1, "totSecretKey": "b", "appDomain": "c"},
        {"totApiKey": None},
        {"totApiKey": "a\0", "totSecretKey": "b", "appDomain": "c"},
    ],
)
def test_incomplete_body_names_invalid_fields(db, client, sent):
    answer = client.post("/anyone", sent, content_type=JSON)

    assert answer.status_code == 400
    assert answer.json().keys() <= {"appDomain", "totApiKey", "totSecretKey"}


@pytest.mark.parametrize("name", ["Tot-Api-Key", "Tot-Secret-Key", "Tot-App-Domain"])
def test_single_header_names_missing_fields(db, client, name):
    answer = client.get("/anyone", headers={name: "x"})

    assert (answer.status_code, len(answer.json())) == (400, 2)


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ('{"totSecretKey": "a"', JSON),
        ('{"totSecretKey": "a", "totSecretKey": "b"}', JSON),
        ('["totSecretKey"]', JSON),
        ('{"totApiKey": ' + "[" * 100_000, JSON),
        ('{"totApiKey": "a", "x": ' + "[" * 40 + "]" * 40 + "}", JSON),
        ("totApiKey=a&totApiKey=b", FORM),
        ("totApiKey=%ff", FORM),
        ("totApiKey=a&totSecretKey=b&appDomain=%ff", FORM),
    ],
)
def test_keys_in_damaged_body_are_malformed(db, client, sent, content_type):
    answer = client.post("/anyone", sent, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("sent", "content_type"), [('{"tot\\u0041piKey": "a"}', JSON), ("tot%41piKey=a", FORM)]
)
def test_escaped_name_is_the_same_name(db, client, sent, content_type):
    assert client.post("/anyone", sent, content_type=content_type).status_code == 400


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        ("{}", JSON),
        ('{"appDomain": "a"}', JSON),
        ('{"a": "\\u0041"}', JSON),
        ('{"a": {"totApiKey": "a"}}', JSON),
        ("{\\", JSON),
        ("%ff", FORM),
        ("a=b", FORM),
        ('{"totApiKey": "a"}', "text/plain"),
        (
            '--x\r\nContent-Disposition: form-data; name="totApiKey"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_body_without_keys_is_left_alone(db, client, sent, content_type):
    assert client.post("/anyone", sent, content_type=content_type).json() == {"pk": None}


# Where keys are searched


@pytest.mark.parametrize("header", ["Basic x", "", "Digest a.b.c", "Bearerx", "Token a"])
def test_other_scheme_does_not_hide_keys(make_key, client, header):
    key = make_key()
    headers = {"Authorization": header}

    for sent in (
        {"data": body(key), "content_type": JSON},
        {"data": form(key), "content_type": FORM},
        {"headers": key_headers(key)},
    ):
        asked = {**sent, "headers": headers | sent.get("headers", {})}
        assert client.post("/anyone", **asked).json() == {"pk": key.public_key}


@pytest.mark.parametrize("header", ["Bearer x", "bearer", "BEARER "])
def test_bearer_hides_keys_in_body(make_key, client, header):
    headers = {"Authorization": header}

    answer = client.post("/anyone", body(make_key()), content_type=JSON, headers=headers)

    assert answer.json() == {"pk": None}


def test_keys_in_two_places_are_malformed(make_key, client):
    key = make_key()

    answer = client.post("/me", body(key), content_type=JSON, headers=key_headers(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_keys_in_query_are_malformed(make_key, client):
    assert client.get(f"/me?{form(make_key())}&x=1").status_code == 400
    assert client.get("/anyone?totApiKey=").status_code == 400
    assert client.get("/anyone?a=1").status_code == 200


def test_setting_allows_keys_in_query(make_key, client, settings):
    settings.TOT_JWT = {"API_KEYS_IN_QUERY": True}
    key = make_key()
    url = f"/me?{form(key)}&x=1"

    assert client.get(url).json()["pk"] == key.public_key
    assert client.get(f"{url}&totApiKey=again").status_code == 400
    assert client.get("/me?totApiKey=a").status_code == 400


# Bodies that middleware or the connection changed


@pytest.mark.req("E6")
def test_partly_read_body_is_not_searched(make_key, rf):
    key = make_key()
    request = rf.post("/me", body(key), content_type=JSON)
    request.read(5)

    assert KeysOnly.as_view()(request).status_code == 401


@pytest.mark.req("E6")
def test_form_parsed_by_middleware_is_searched(make_key, rf):
    key = make_key()
    request = rf.post("/me", form(key), content_type=FORM)
    assert request.POST["totSecretKey"]

    assert KeysOnly.as_view()(request).data["pk"] == key.public_key
    assert "totSecretKey" not in request.POST


def test_body_over_hosts_limit_answers_413(make_key, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50

    answer = client.post("/me", body(make_key()), content_type=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_body_over_8_kib_is_searched(make_key, client):
    sent = body(make_key(), picture="x" * 100_000)

    assert client.post("/me", sent, content_type=JSON).status_code == 200


class BrokenConnection:
    """The input of a request whose client has gone."""

    def read(self, *_):
        raise OSError("connection reset")

    readline = read


@pytest.mark.parametrize("url", ["/me", TOKEN_URL])
def test_unreadable_body_answers_400(db, client, url):
    answer = client.post(url, "{}", content_type=JSON, **{"wsgi.input": BrokenConnection()})

    assert answer.status_code == 400
