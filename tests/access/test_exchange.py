"""POST token: contract §1."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from tests.support.requests import TOKEN_URL, body
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import resume_domain, suspend_domain
from tot_jwt.tokens.backend import backend

NOON = datetime(2025, 10, 29, 18, 23, 22, 700_000, tzinfo=UTC)
INVALID = b'{"detail":"Invalid credentials","code":"invalid_credentials"}'
INSUFFICIENT = {"detail": "API key lacks necessary permissions", "code": "insufficient_permissions"}
FORM = "application/x-www-form-urlencoded"


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


@time_machine.travel(NOON, tick=False)
def test_right_keys_are_exchanged_for_a_token_of_15_minutes(make_key, post_token):
    answer = post_token(make_key())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert {name: value for name, value in answer.json().items() if name != "token"} == {
        "tokenType": "Bearer",
        "expiresIn": 900,
        "expiresAt": "2025-10-29T18:38:22.000Z",
    }
    assert list(answer.json()) == ["token", "tokenType", "expiresIn", "expiresAt"]


@time_machine.travel(NOON, tick=False)
def test_token_says_whose_it_is_and_what_it_may(make_key, post_token):
    key = make_key(scopes=["orders:write", "orders:read"], environment="test", generation=7)

    token = post_token(key).json()["token"]

    assert token.startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")
    said = claims(token)
    assert len(said.pop("jti")) == 32
    assert said == {
        "iss": "tot-jwt",
        "aud": "tot-jwt-api",
        "sub": key.public_key,
        "appDomain": key.app_domain.domain,
        "env": "test",
        "scope": "keys:manage orders:read orders:write",
        "ver": 7,
        "token_type": "tot_api",
        "iat": 1761762202,
        "exp": 1761763102,
    }


def test_each_token_has_an_id_of_its_own(make_key, make_token):
    key = make_key()

    assert claims(make_token(key))["jti"] != claims(make_token(key))["jti"]


@pytest.mark.req("A10")
@pytest.mark.parametrize(
    "host", [{"TIME_ZONE": "America/Chicago"}, {"USE_TZ": False}, {"TIME_ZONE": "Asia/Kolkata"}]
)
@time_machine.travel(NOON, tick=False)
def test_expiry_is_in_utc_whatever_the_hosts_time_zone(make_key, post_token, get_token, host):
    with override_settings(**host):
        issued = post_token(make_key()).json()
        verified = get_token(issued["token"]).json()

    assert issued["expiresAt"] == verified["expiresAt"] == "2025-10-29T18:38:22.000Z"


@pytest.mark.parametrize("lifetime", [timedelta(minutes=5), timedelta(seconds=1)])
def test_lifetime_setting_decides_how_long_a_token_lives(make_key, post_token, lifetime, settings):
    settings.TOT_JWT = {"TOKEN_LIFETIME": lifetime}

    answer = post_token(make_key()).json()

    said = claims(answer["token"])
    assert said["exp"] - said["iat"] == answer["expiresIn"] == lifetime.total_seconds()


def test_tokens_do_not_manage_keys_where_the_host_says_so(make_key, make_token, settings):
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}

    assert claims(make_token(make_key()))["scope"] == ""


# What clients in the field send


def test_json_beside_a_nested_object_is_accepted(make_key, post_token):
    person = {
        "name": {"first": "Ada", "names": ["a", "b"]},
        "age": 36,
        "totSecretKey": "a member of another object",
    }

    assert post_token(make_key(), person=person).status_code == 200


def test_form_with_charset_header_and_extra_fields_is_accepted(make_key, client):
    key = make_key()

    answer = client.post(
        TOKEN_URL,
        f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}&appUserid=42&appUserid=43",
        content_type=FORM,
        headers={"charset": "utf-8"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("url", [TOKEN_URL, TOKEN_URL + "/"])
def test_last_slash_is_optional_and_never_redirected(make_key, client, url):
    assert client.post(url, body(make_key()), content_type="application/json").status_code == 200


def test_prefix_of_the_host_may_capture_arguments(make_key, client):
    key = make_key()

    issued = client.post("/acme/auth/token", body(key), content_type="application/json")
    headers = {"Authorization": f"Bearer {issued.json()['token']}"}

    assert client.get("/acme/auth/token", headers=headers).status_code == 200
    assert (
        client.get(f"/acme/auth/keys/{key.public_key}", headers=headers).json()["totApiKey"]
        == key.public_key
    )


def test_path_with_a_newline_is_another_path(client):
    assert client.get(TOKEN_URL + "%0A").status_code == 404


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", "Application/JSON", 'application/json; charset="utf8"'],
)
def test_json_by_any_of_its_names_is_accepted(make_key, client, content_type):
    assert (
        client.post(TOKEN_URL, json.dumps(body(make_key())), content_type=content_type).status_code
        == 200
    )


def test_domain_is_compared_without_case(make_key, post_token):
    assert (
        post_token(make_key(app_domain__domain="myapp.com"), appDomain="MyApp.COM").status_code
        == 200
    )


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic !!!", "Bearer a.b.c"])
def test_authorization_header_plays_no_part(make_key, client, authorization):
    answer = client.post(
        TOKEN_URL,
        body(make_key()),
        content_type="application/json",
        headers={"Authorization": authorization, "Tot-Api-Key": "x"},
    )

    assert answer.status_code == 200


@pytest.mark.req("C6")
def test_admins_session_does_not_make_the_exchange_a_csrf_failure(make_key, client, make_user):
    strict = type(client)(enforce_csrf_checks=True)
    strict.force_login(make_user(is_staff=True))

    answer = strict.post(TOKEN_URL, body(make_key()), content_type="application/json")

    assert answer.status_code == 200


# Scopes


@pytest.mark.parametrize("asked", [["orders:read"], "orders:read", ["orders:read", "orders:read"]])
def test_narrower_token_has_exactly_the_scopes_asked_for(make_key, make_token, asked):
    token = make_token(make_key(scopes=["orders:read", "orders:write"]), scopes=asked)

    assert claims(token)["scope"] == "orders:read"


def test_token_may_be_asked_for_all_that_is_held_by_name(make_key, post_token):
    key = make_key(scopes=["orders:read"])

    assert post_token(key, scopes=["keys:manage", "orders:read"]).status_code == 200


def test_scopes_in_a_form_are_separated_by_spaces(make_key, client):
    key = make_key(scopes=["orders:read", "orders:write"])

    answer = client.post(
        TOKEN_URL,
        f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}&scopes=keys:manage+orders:read",
        content_type=FORM,
    )

    assert claims(answer.json()["token"])["scope"] == "keys:manage orders:read"


@pytest.mark.parametrize(
    "asked",
    [[], "", None, [""], "a  b", " a", [1], 7, {}, {"a": "b"}, ['"'], ["a b"], ["ä"], "a\\b", True],
)
def test_scopes_that_are_none_are_a_fault(make_key, post_token, asked):
    answer = post_token(make_key(), scopes=asked)

    assert (answer.status_code, list(answer.json())) == (400, ["scopes"])


def test_scope_not_held_is_forbidden(make_key, post_token):
    answer = post_token(make_key(scopes=["orders:read"]), scopes=["orders:read", "orders:write"])

    assert (answer.status_code, answer.json()) == (403, INSUFFICIENT)
    assert "WWW-Authenticate" not in answer.headers


# Refusals


@pytest.mark.req("B3")
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "remembered"])
@pytest.mark.parametrize(
    ("state", "sent"),
    [
        ({}, {"totApiKey": "pk_live_tot_unknown"}),
        ({}, {"totSecretKey": "wrong"}),
        ({}, {"totSecretKey": "wröng €"}),
        ({}, {"appDomain": "other.example.com"}),
        ({}, {"appDomain": "not a domain"}),
        ({"revoked_at": NOON}, {}),
        ({"disabled_at": NOON}, {}),
        ({"expires_at": NOON}, {}),
        ({"revoked_at": NOON}, {"totSecretKey": "wrong"}),
    ],
    ids=lambda value: json.dumps(value, default=str),
)
def test_everything_wrong_with_credentials_is_one_answer_for_one_query_and_one_comparison(
    make_key, post_token, state, sent, warm, django_assert_num_queries, comparisons
):
    key = make_key(**state)
    if warm:
        remember(key)
    comparisons.clear()

    with django_assert_num_queries(1):
        answer = post_token(key, **sent)

    assert (answer.status_code, answer.content) == (401, INVALID)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert len(comparisons) == 1


def remember(key):
    """Have the key's state remembered as if it had been granted on, whatever it is."""
    key_state.decide(key.public_key, lambda state: state)


@pytest.fixture
def comparisons(monkeypatch):
    """The comparisons in constant time that were made, all of them on bytes."""
    from tot_jwt.rules import credentials

    compared = []
    real = credentials.hmac.compare_digest

    def compare(a, b):
        assert isinstance(a, bytes)
        assert isinstance(b, bytes)
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(credentials.hmac, "compare_digest", compare)
    return compared


def test_suspended_domain_is_forbidden_only_after_the_secret_matched(make_key, post_token):
    key = make_key()
    suspend_domain(key.app_domain)

    assert (post_token(key).status_code, post_token(key).json()) == (403, INSUFFICIENT)
    assert post_token(key, totSecretKey="wrong").status_code == 401

    resume_domain(key.app_domain)
    assert post_token(key).status_code == 200


def test_key_that_may_not_issue_tokens_is_forbidden(make_key, post_token):
    answer = post_token(make_key(can_issue_tokens=False))

    assert (answer.status_code, answer.json()) == (403, INSUFFICIENT)


@pytest.mark.parametrize(
    ("networks", "status"), [(["127.0.0.0/8"], 200), (["192.0.2.0/24", "2001:db8::/32"], 403)]
)
def test_address_outside_the_allow_list_is_forbidden(make_key, post_token, networks, status):
    assert post_token(make_key(allowed_ips=networks)).status_code == status


@pytest.mark.req("B2")
def test_stored_hash_is_no_secret(make_key, post_token):
    key = make_key()

    assert post_token(key, totSecretKey=key.secret_hash).status_code == 401


@pytest.mark.req("B2")
def test_new_secret_key_of_django_ends_no_api_key(make_key, post_token, settings):
    key = make_key()
    settings.SECRET_KEY = "another " * 8

    assert post_token(key).status_code == 200


def test_previous_secret_works_until_its_end(make_key, post_token):
    key = make_key()
    ends = timezone.now() + timedelta(hours=1)
    type(key).objects.filter(pk=key.pk).update(
        previous_secret_hash=key.secret_hash,
        previous_secret_expires_at=ends,
        secret_hash="sha256$another",
    )

    assert post_token(key).status_code == 200
    assert post_token(key, totSecretKey="wrong").status_code == 401
    with time_machine.travel(ends, tick=False):
        assert post_token(key).status_code == 401


# Faults of the request


REQUIRED = "This field is required."


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (None, "This field may not be null."),
        ("", "This field may not be blank."),
        ("   ", "This field may not be blank."),
        (7, "Not a valid string."),
        (True, "Not a valid string."),
        (["a"], "Not a valid string."),
        ({"a": "b"}, "Not a valid string."),
        ("a\0", "Null characters are not allowed."),
        ("a\ud800", "Surrogate characters are not allowed."),
    ],
)
@pytest.mark.parametrize("field", ["appDomain", "totApiKey", "totSecretKey"])
def test_fault_of_a_field_is_told_by_field(make_key, post_token, field, sent, fault):
    answer = post_token(make_key(), **{field: sent})

    assert (answer.status_code, answer.json()) == (400, {field: [fault]})


@pytest.mark.parametrize(
    ("field", "limit"), [("appDomain", 253), ("totApiKey", 128), ("totSecretKey", 512)]
)
def test_too_long_a_field_is_a_fault(make_key, post_token, field, limit):
    fault = f"Ensure this field has no more than {limit} characters."

    assert post_token(make_key(), **{field: "a" * limit}).status_code == 401
    assert post_token(make_key(), **{field: "a" * (limit + 1)}).json() == {field: [fault]}


def test_all_missing_fields_are_told_at_once(client):
    for sent, content_type in [
        ("{}", "application/json"),
        ("", FORM),
        ('{"appDomain": "x"}', FORM),
    ]:
        answer = client.generic("POST", TOKEN_URL, sent, CONTENT_TYPE=content_type)

        assert answer.status_code == 400
        assert answer.json() == {
            "appDomain": [REQUIRED],
            "totApiKey": [REQUIRED],
            "totSecretKey": [REQUIRED],
        }


@pytest.mark.req("B4")
@pytest.mark.parametrize("space", [" {}", "{} ", "\t{}"])
@pytest.mark.parametrize("field", ["appDomain", "totApiKey", "totSecretKey"])
def test_spaces_are_not_trimmed(make_key, post_token, field, space):
    key = make_key()

    assert post_token(key, **{field: space.format(body(key)[field])}).status_code == 401


@pytest.mark.req("C3")
@pytest.mark.parametrize(
    "sent",
    [
        b" ",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": 1,}',
        b"\xef\xbb\xbf{}",
        b'{"appDomain": "\xff"}',
        b'{"totSecretKey": "a", "totSecretKey": "b"}',
        b'{"appDomain": "a", "\\u0061ppDomain": "b"}',
        b'{"scopes": ["a"], "scopes": ["a"]}',
        b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"a": ' + b'{"a":' * 32 + b"1" + b"}" * 32 + b"}",
        b"[" * 8000,
        b"[" * 4000 + b"]" * 4000,
        "{}".encode("utf-16"),
    ],
)
def test_body_that_is_no_plain_object_is_malformed(db, client, sent):
    answer = client.post(TOKEN_URL, sent, content_type="application/json")

    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "Malformed request", "code": "malformed_request"},
    )


def test_what_is_just_not_too_deep_too_long_or_too_often_is_ignored(make_key, client):
    key = make_key()
    deep = b"[" * 31 + b"]" * 31
    many = b",".join(b'"x": {}' for _ in range(40))
    credentials = json.dumps(body(key)).encode()[1:]

    sent = b'{"a": ' + deep + b', "n": ' + b"1" * 5000 + b"," + many + b"," + credentials

    assert client.post(TOKEN_URL, sent, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "sent", [b"appDomain=%ff", b"\xff=1", b"totApiKey=a&totApiKey=b", b"&".join([b"a=b"] * 1001)]
)
def test_malformed_form_is_told(db, client, sent):
    answer = client.post(TOKEN_URL, sent, content_type=FORM)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("query", ["totApiKey=a", "totSecretKey=b", "x=1&totSecretKey="])
def test_keys_in_the_query_are_refused(make_key, client, query):
    answer = client.post(f"{TOKEN_URL}?{query}", body(make_key()), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_other_query_is_ignored(make_key, client):
    assert (
        client.post(
            f"{TOKEN_URL}?a=1", body(make_key()), content_type="application/json"
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
        "application/json; charset=latin-1",
        "application/xml",
        "a*=b;;'",
    ],
)
def test_other_content_type_is_unsupported(db, client, content_type):
    answer = client.generic("POST", TOKEN_URL, b"{}", content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.req("C3")
def test_body_over_8_kib_is_too_large(make_key, post_token):
    room = 8 * 1024 - len(json.dumps(body(make_key(), x="")))

    assert post_token(make_key(), x="x" * (room - 10)).status_code == 200
    answer = post_token(make_key(), x="x" * 8192)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


@pytest.mark.req("C3")
def test_body_longer_than_it_says_is_too_large(db, rf):
    from tot_jwt.api.token import TokenView

    request = rf.post(TOKEN_URL, b"{}", content_type="application/json")
    request._body = b" " * 8193

    assert TokenView.as_view()(request).status_code == 413


@pytest.mark.req("C5")
def test_body_over_the_hosts_limit_is_too_large(make_key, post_token, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = post_token(make_key())

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


@pytest.mark.req("C5")
def test_too_many_fields_in_the_query_is_our_400(db, client):
    answer = client.post(TOKEN_URL + "?" + "a=1&" * 1001, "{}", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("length", ["abc", "-5", "1e3"])
def test_nonsense_content_length_is_no_500(db, client, length):
    answer = client.post(TOKEN_URL, "{}", content_type="application/json", CONTENT_LENGTH=length)

    assert answer.status_code == 400


def test_body_that_a_middleware_has_read_away_is_malformed(db, rf):
    from tot_jwt.api.token import TokenView

    request = rf.post(TOKEN_URL, b"{}", content_type="application/json")
    request.read(1)

    assert TokenView.as_view()(request).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_not_allowed(db, client, method):
    answer = client.generic(method, TOKEN_URL)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


# What holds for every answer


def every_answer(client, key):
    """One answer of each status."""
    right = body(key)
    yield client.post(TOKEN_URL, right, content_type="application/json")
    yield client.post(TOKEN_URL, "{", content_type="application/json")
    yield client.post(TOKEN_URL, {**right, "totSecretKey": "x"}, content_type="application/json")
    yield client.post(TOKEN_URL, {**right, "scopes": "x"}, content_type="application/json")
    yield client.put(TOKEN_URL)
    yield client.post(TOKEN_URL, "x" * 9000, content_type="application/json")
    yield client.post(TOKEN_URL, "x", content_type="text/xml")
    yield client.get(TOKEN_URL)


@pytest.mark.req("C5", "C2")
@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml;q=0.9", "nonsense", "application/json; indent=4"]
)
def test_every_answer_is_compact_json_and_not_stored(make_key, client, accept):
    client.defaults["HTTP_ACCEPT"] = accept
    answers = list(every_answer(client, make_key()))

    assert [answer.status_code for answer in answers] == [200, 400, 401, 403, 405, 413, 415, 401]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"
        assert b'": ' not in answer.content


@pytest.mark.req("C1", "C5")
@pytest.mark.parametrize(
    "defaults",
    [
        {"DEFAULT_AUTHENTICATION_CLASSES": []},
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]},
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]},
        {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]},
        {
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.limits.AnonRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
        },
        {
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
            "COMPACT_JSON": False,
        },
        {"DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.MultiPartParser"]},
        {
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
            "ALLOWED_VERSIONS": ["9"],
        },
        {"EXCEPTION_HANDLER": "nowhere.to_be_found"},
        {"UNAUTHENTICATED_USER": None, "URL_FORMAT_OVERRIDE": "f", "FORMAT_SUFFIX_KWARG": "x"},
    ],
    ids=lambda defaults: next(iter(defaults)),
)
def test_no_default_of_the_host_changes_an_answer(
    make_key, client, defaults, settings, django_db_blocker
):
    import importlib

    from tot_jwt.api import keys as our_views

    key = make_key()
    expected = [(a.status_code, a.headers, a.json().keys()) for a in every_answer(client, key)]
    with override_settings(REST_FRAMEWORK=defaults):
        assert [
            (a.status_code, a.headers, a.json().keys()) for a in every_answer(client, key)
        ] == expected
    assert importlib.import_module(our_views.__name__) is our_views


@pytest.mark.req("C5")
def test_nothing_sent_is_echoed(db, client):
    marker = "zebra7"
    for sent in (
        {"appDomain": marker, "totApiKey": marker, "totSecretKey": marker},
        {"appDomain": [marker]},
        {marker: 1},
    ):
        for answer in (
            client.post(TOKEN_URL, sent, content_type="application/json"),
            client.post(TOKEN_URL + f"?{marker}=1", marker, content_type="application/json"),
            client.generic(marker, TOKEN_URL),
        ):
            assert marker not in answer.content.decode().lower()
            assert marker not in str(answer.headers).lower()


@pytest.mark.req("C5")
def test_answers_are_never_translated(make_key, client, settings):
    settings.LANGUAGE_CODE = "de"
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    answers = [answer.json() for answer in every_answer(client, make_key())]

    assert answers[2]["detail"] == "Invalid credentials"
    assert answers[7]["detail"] == "Authentication credentials were not provided."


@pytest.mark.req("D4")
def test_views_stay_outside_the_hosts_atomic_requests():
    from tot_jwt.api.token import TokenView

    assert TokenView.as_view()._non_atomic_requests == {"default"}


@pytest.mark.req("D2")
@pytest.mark.parametrize("error", ["OperationalError", "InterfaceError"])
def test_database_gone_is_503_with_retry_after_and_comes_back(
    make_key, post_token, monkeypatch, caplog, error
):
    import django.db
    from django.db.backends.utils import CursorWrapper

    key = make_key()

    def fail(*args):
        raise getattr(django.db, error)("gone")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fail)
        answer = post_token(key)
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "The database does not answer: gone" in caplog.messages
    assert post_token(key).status_code == 200


@pytest.mark.req("D2")
def test_database_gone_elsewhere_in_our_views_is_503_too(db, client, monkeypatch):
    from django.db import OperationalError

    from tot_jwt.api import keys as views

    def fail(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(views, "exchange", fail)
    sent = {"appDomain": "a", "totApiKey": "b", "totSecretKey": "c"}

    assert client.post(TOKEN_URL, sent, content_type="application/json").status_code == 503


@pytest.mark.req("D2")
def test_standby_that_takes_no_writes_is_503_and_other_internal_errors_are_reported(
    client, monkeypatch
):
    """As PostgreSQL's driver says it; tests/services/test_faults.py has a server that is read-only."""
    from django.db import InternalError

    from tot_jwt.api import keys as views

    class FromDriver(Exception):
        sqlstate = "25006"

    def write(*args, **kwargs):
        raise InternalError("cannot execute UPDATE in a read-only transaction") from cause

    monkeypatch.setattr(views, "exchange", write)
    sent = {"appDomain": "a", "totApiKey": "b", "totSecretKey": "c"}

    cause = FromDriver()
    assert client.post(TOKEN_URL, sent, content_type="application/json").status_code == 503
    cause = None
    with pytest.raises(InternalError):
        client.post(TOKEN_URL, sent, content_type="application/json")


def test_bug_in_our_views_is_djangos_to_report(db, client, monkeypatch):
    from tot_jwt.api import keys as views

    monkeypatch.setattr(views, "exchange", None)
    sent = {"appDomain": "a", "totApiKey": "b", "totSecretKey": "c"}

    with pytest.raises(TypeError):
        client.post(TOKEN_URL, sent, content_type="application/json")


def test_same_settings_are_the_same_backend(settings):
    first = backend()
    settings.TOT_JWT = {"ISSUER": "another"}

    assert backend() is backend()
    assert backend() is not first
