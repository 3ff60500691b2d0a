"""POST oauth/token: the client credentials grant (contract §6, RFC 6749 §4.4)."""

import pytest
import time_machine
from django.test import Client
from django.urls import resolve

from tests.support.oauth import (
    ENDPOINTS,
    INVALID_CLIENT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    MAY_INTROSPECT,
    REVOKE,
    TOKEN,
    UNAUTHORIZED,
    basic,
    basic_of,
    description_of,
    error_of,
    form_of,
    members_of,
    post,
    raw_basic,
    token_of,
)
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.tokens import claims_of
from tot_jwt.rules.hashes import hash_secret

pytestmark = pytest.mark.django_db


# Success


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("way", ["basic", "form"])
def test_token_is_that_of_exchange(make_key, make_token, get_token, way):
    key = make_key(scopes=["orders:read", "orders:write"])
    answer = post(TOKEN, headers=basic_of(key)) if way == "basic" else post(TOKEN, form_of(key))

    members = members_of(answer)
    token = members.pop("access_token")
    assert members == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "keys:manage orders:read orders:write",
    }
    ours, theirs = claims_of(token), claims_of(make_token(key))
    assert ours.pop("jti") != theirs.pop("jti")
    assert ours == theirs
    assert get_token(token).status_code == 200


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (None, "keys:manage orders:read orders:write"),
        ("", "keys:manage orders:read orders:write"),
        ("orders:read", "orders:read"),
        ("orders:write orders:read orders:write", "orders:read orders:write"),
        ("keys:manage", "keys:manage"),
    ],
)
def test_granted_scope_is_the_requested(make_key, scope, granted):
    key = make_key(scopes=["orders:read", "orders:write"])

    members = members_of(post(TOKEN, {"scope": scope}, basic_of(key)))

    assert members["scope"] == granted
    assert claims_of(members["access_token"])["scope"] == granted


@pytest.mark.parametrize(
    "scope",
    [
        "orders:delete",
        "orders:read orders:delete",
        "orders:read  orders:write",
        " orders:read",
        "orders:read ",
        " ",
        "orders:read\torders:write",
        "orders:read\n",
        'orders:"read"',
        "orders\\read",
        "orders:r\u00e9ad",
        "orders:read\0",
    ],
    ids=ascii,
)
def test_other_scope_is_invalid(make_key, scope):
    key = make_key(scopes=["orders:read", "orders:write"])

    answer = post(TOKEN, {"scope": scope}, basic_of(key))

    assert error_of(answer) == INVALID_SCOPE
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("grant_type", "expected"),
    [
        ("client_credentials", None),
        ("authorization_code", (400, "unsupported_grant_type")),
        ("password", (400, "unsupported_grant_type")),
        ("refresh_token", (400, "unsupported_grant_type")),
        ("CLIENT_CREDENTIALS", (400, "unsupported_grant_type")),
        ("client_credentials ", (400, "unsupported_grant_type")),
        ("", INVALID_REQUEST),
        (None, INVALID_REQUEST),
    ],
)
def test_only_client_credentials_are_granted(make_key, grant_type, expected):
    answer = post(TOKEN, {"grant_type": grant_type}, basic_of(make_key()))

    assert (answer.status_code == 200) if expected is None else (error_of(answer) == expected)


def test_missing_parameter_is_named(make_key):
    answers = [post(url, b"", basic_of(make_key(scopes=[MAY_INTROSPECT]))) for url in ENDPOINTS]

    assert [error_of(answer) for answer in answers] == [INVALID_REQUEST] * 3
    assert [description_of(answer) for answer in answers] == [
        "Missing parameter: grant_type",
        "Missing parameter: token",
        "Missing parameter: token",
    ]


def test_unknown_parameters_are_ignored(make_key):
    sent = b"grant_type=client_credentials&audience=a&audience=b&resource=&x&appDomain=zebra7"

    assert post(TOKEN, sent, basic_of(make_key())).status_code == 200


# Client authentication


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("client_id", "secret"),
    [
        ("old+key", "a secret with 100% more + of : and & = ?"),
        ("a:b:c", ":starts and ends with a colon:"),
        ("50%", "%41%2B%zz stays as it is, also %"),
        ("+", "++++++++++++++++++++++++"),
        ("~!@#$^*()_-={}[]|;'<>,./", '"quotes" and \\backslashes\\'),
        ("plain", "p\u00e4ssw\u00f6rt \u20ac \u65e5\u672c \U0001f993 of characters"),
        ("k" * 128, "s" * 512),
    ],
    ids=["spaces", "colons", "percent", "plus", "symbols", "unicode", "longest"],
)
def test_any_stored_key_authenticates(make_key, client_id, secret):
    make_key(public_key=client_id, secret_hash=hash_secret(secret), scopes=[MAY_INTROSPECT])
    sent = {"client_id": client_id, "client_secret": secret}

    for url in ENDPOINTS:
        assert members_of(post(url, headers=basic(client_id, secret))) is not None
        assert members_of(post(url, sent)) is not None


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_basic_may_have_any_case(make_key, scheme):
    header = basic_of(make_key())["Authorization"].replace("Basic", scheme)

    assert post(TOKEN, headers={"Authorization": header}).status_code == 200


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("bend", "status"),
    [
        (lambda encoded: f"Basic {encoded}", 200),
        (lambda encoded: f"Basic  {encoded}", 401),
        (lambda encoded: f"Basic\t{encoded}", 401),
        (lambda encoded: f"Basic {encoded} ", 401),
        (lambda encoded: f"Basic *{encoded}", 401),
        (lambda encoded: f"Basic {encoded[:8]}-{encoded[8:]}", 401),
        (lambda encoded: f"Basic {encoded[:8]} {encoded[8:]}", 401),
        (lambda encoded: f'Basic "{encoded}"', 401),
        (lambda encoded: f"Basic {encoded}, Bearer x", 401),
        (lambda encoded: f"Basic{encoded}", 401),
        (lambda encoded: encoded, 401),
    ],
)
def test_basic_is_read_strictly(make_key, bend, status):
    encoded = basic_of(make_key())["Authorization"].removeprefix("Basic ")

    assert post(TOKEN, headers={"Authorization": bend(encoded)}).status_code == status


@pytest.mark.req("B4")
def test_plain_colon_belongs_to_secret(make_key):
    """RFC 7617 §2: the first colon ends the id. Clients that do not escape rely on it."""
    key = make_key(secret_hash=hash_secret("a:b:c" * 5))

    assert post(TOKEN, headers=raw_basic(f"{key.public_key}:{'a:b:c' * 5}")).status_code == 200


@pytest.mark.req("B4")
def test_invalid_escape_is_not_replaced(make_key):
    key = make_key(secret_hash=hash_secret("\ufffd" * 20))

    for escaped, status in [("%ef%bf%bd" * 20, 200), ("%ff" * 20, 401)]:
        answer = post(TOKEN, headers=raw_basic(f"{key.public_key}:{escaped}"))
        assert answer.status_code == status


def test_unreserved_characters_need_no_escape(make_key):
    """Many clients do not form-urlencode. The package's own keys are the same either way."""
    key = make_key()

    assert post(TOKEN, headers=raw_basic(f"{key.public_key}:{key.secret}")).status_code == 200


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (lambda key: {}, None),
        (lambda key: {"client_id": key.public_key}, None),
        (lambda key: {"client_id": "", "client_secret": ""}, None),
        (lambda key: {"client_id": "another"}, INVALID_REQUEST),
        (lambda key: {"client_id": key.public_key.upper()}, INVALID_REQUEST),
        (lambda key: {"client_secret": key.secret}, INVALID_REQUEST),
        (lambda key: {"client_secret": "x"}, INVALID_REQUEST),
        (form_of, INVALID_REQUEST),
    ],
    ids=["none", "id", "empty", "another id", "other case", "secret", "wrong secret", "both"],
)
@pytest.mark.parametrize("url", ENDPOINTS)
def test_client_authenticates_in_one_way(make_key, url, more, expected):
    key = make_key(scopes=[MAY_INTROSPECT])

    answer = post(url, more(key), basic_of(key))

    assert (answer.status_code == 200) if expected is None else (error_of(answer) == expected)


@pytest.mark.parametrize("header", ["", None])
def test_empty_header_counts_as_absent(make_key, header):
    headers = {} if header is None else {"Authorization": header}

    assert post(TOKEN, form_of(make_key()), headers).status_code == 200


NO_CLIENT = {
    "nothing": {},
    "empty header": {"headers": {"Authorization": ""}},
    "id alone": {"sent": {"client_id": "zebra7"}},
    "id and empty secret": {"sent": {"client_id": "zebra7", "client_secret": ""}},
}
WRONG_CLIENT = {
    "no credentials": {"headers": {"Authorization": "Basic"}},
    "no base64": {"headers": {"Authorization": "Basic ***"}},
    "two spaces": {"headers": {"Authorization": "Basic  eDp5"}},
    "base64url": {"headers": {"Authorization": "Basic eDo_Pz8-"}},
    "without padding": {"headers": {"Authorization": "Basic eDp5eg"}},
    "not ASCII": {"headers": {"Authorization": "Basic \xe9\xff"}},
    "not UTF-8": {"headers": {"Authorization": "Basic /zr/"}},
    "escape of no UTF-8": {"headers": raw_basic("%ff:%ff")},
    "no colon": {"headers": raw_basic("zebra7")},
    "no id": {"headers": raw_basic(":zebra7")},
    "no secret": {"headers": raw_basic("zebra7:")},
    "NUL": {"headers": raw_basic("zebra7%00:zebra7")},
    "NUL in the secret": {"headers": raw_basic("zebra7:zebra7%00")},
    "long id": {"headers": raw_basic("k" * 129 + ":zebra7")},
    "long secret": {"headers": raw_basic("zebra7:" + "s" * 513)},
    "spaces": {"headers": raw_basic("+:+")},
    "secret alone": {"sent": {"client_secret": "zebra7"}},
    "NUL in the form": {"sent": {"client_id": "zebra7\0", "client_secret": "zebra7"}},
    "unknown": {"sent": {"client_id": "zebra7", "client_secret": "zebra7"}},
}


@pytest.mark.req("B3", "C5")
def test_all_failed_authentications_look_alike(make_key, unlimited, settings):
    settings.TOT_JWT = {**settings.TOT_JWT, "REALM": 'the "best" api'}
    key = make_key(scopes=[MAY_INTROSPECT])
    for url in ENDPOINTS:
        assert post(url, headers=basic_of(key)).status_code == 200
        answers = {name: post(url, **given) for name, given in WRONG_CLIENT.items()}
        answers["wrong secret"] = post(url, headers=basic(key.public_key, "zebra7"))

        assert {error_of(answer) for answer in answers.values()} == {INVALID_CLIENT}
        assert len({answer.serialize() for answer in answers.values()}) == 1
        challenge = answers["unknown"].headers["WWW-Authenticate"]
        assert challenge == r'Basic realm="the \"best\" api"'


@pytest.mark.parametrize("url", [TOKEN, REVOKE])
@pytest.mark.parametrize("header", ["Digest username=x", "Bearer zebra7", "zebra7"])
def test_another_scheme_is_named(db, url, header):
    answer = post(url, headers={"Authorization": header})

    assert error_of(answer) == INVALID_CLIENT
    assert "must authenticate with HTTP Basic" in description_of(answer)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.parametrize("url", ENDPOINTS)
def test_missing_authentication_is_named(db, url):
    answers = [post(url, **given) for given in NO_CLIENT.values()]

    assert {error_of(answer) for answer in answers} == {INVALID_CLIENT}
    assert len({answer.serialize() for answer in answers}) == 1
    assert description_of(answers[0]) == "The request has no client authentication"
    assert answers[0].headers["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.req("E10")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (NO_CLIENT["nothing"], "no_authentication"),
        ({"headers": {"Authorization": "Digest username=x"}}, "unsupported_authentication"),
        (WRONG_CLIENT["no base64"], "malformed_authentication"),
        (WRONG_CLIENT["NUL in the form"], "malformed_authentication"),
    ],
)
def test_unusable_authentication_leaves_a_trace(db, caplog, url, given, reason):
    post(url, **given)

    assert f"Access refused: reason={reason} key= jti= address=127.0.0.1" in caplog.messages
    assert "zebra7" not in caplog.text


def test_bearer_authenticates_no_token_request(make_key, make_token):
    headers = bearer(make_token(make_key(scopes=[MAY_INTROSPECT])))

    answer = post(TOKEN, headers=headers)

    assert error_of(answer) == INVALID_CLIENT
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.parametrize("url", ENDPOINTS)
def test_other_token_header_leaves_authorization(make_key, make_token, settings, url):
    key = make_key(scopes=[MAY_INTROSPECT])
    token = make_token(key)
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}

    assert error_of(post(url, headers=basic_of(key))) == INVALID_CLIENT
    for header in ("Basic eDp5", basic_of(make_key())["Authorization"], f"Bearer {token}", "x"):
        assert post(url, form_of(key), {"Authorization": header}).status_code == 200


# What is refused after the secret matched


@pytest.mark.req("B3")
@pytest.mark.parametrize(
    ("columns", "settings_now", "url"),
    [
        ({"can_issue_tokens": False}, {}, TOKEN),
        *(({"allowed_ips": ["192.0.2.0/24"]}, {}, url) for url in ENDPOINTS),
        *(({"environment": "test"}, {"ENVIRONMENTS": ["live"]}, url) for url in ENDPOINTS),
        *(({"app_domain__suspended_at": NOON}, {}, url) for url in ENDPOINTS),
    ],
)
def test_refusal_comes_after_right_secret(make_key, settings, columns, settings_now, url):
    key = make_key(scopes=[MAY_INTROSPECT], **columns)
    settings.TOT_JWT = settings_now

    for refused in (post(url, headers=basic_of(key)), post(url, form_of(key))):
        assert error_of(refused) == UNAUTHORIZED
        assert "WWW-Authenticate" not in refused.headers
    assert error_of(post(url, headers=basic(key.public_key, "x"))) == INVALID_CLIENT


# The host's own settings


@pytest.mark.req("D4")
@pytest.mark.parametrize("url", ENDPOINTS)
def test_endpoint_ignores_atomic_requests(url):
    assert resolve(url).func._non_atomic_requests == {"default"}


@pytest.mark.req("C6")
@pytest.mark.parametrize("url", ENDPOINTS)
def test_session_and_csrf_play_no_part(make_key, make_user, url):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(is_superuser=True, is_staff=True))
    content_type = "application/x-www-form-urlencoded"

    anonymous = client.post(url, "x=1", content_type=content_type)
    key = make_key(scopes=[MAY_INTROSPECT])
    sent = "grant_type=client_credentials&token=x"
    answer = client.post(url, sent, content_type=content_type, headers=basic_of(key))

    assert anonymous.status_code in (400, 401)
    assert answer.status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "zebra7"])
def test_accept_header_is_ignored(make_key, accept):
    headers = {**basic_of(make_key()), "Accept": accept}

    assert members_of(post(TOKEN, headers=headers))


@pytest.mark.req("C1", "C5")
@pytest.mark.parametrize(
    "defaults",
    [
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]},
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]},
        {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]},
        {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"]},
        {"DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.MultiPartParser"]},
        {"EXCEPTION_HANDLER": "nowhere.to_be_found"},
    ],
    ids=lambda defaults: next(iter(defaults)),
)
def test_host_defaults_change_no_answer(make_key, settings, defaults):
    key = make_key(scopes=[MAY_INTROSPECT])
    settings.REST_FRAMEWORK = defaults

    assert members_of(post(TOKEN, headers=basic_of(key)))
    for url in ENDPOINTS:
        assert error_of(post(url)) == INVALID_CLIENT
        assert error_of(post(url, b"%ff")) == INVALID_REQUEST


@pytest.mark.parametrize("url", ENDPOINTS)
def test_trailing_slash_is_optional(make_key, url):
    headers = basic_of(make_key(scopes=[MAY_INTROSPECT]))
    sent = {"grant_type": "client_credentials", "token": "x"}
    content = "&".join(f"{name}={value}" for name, value in sent.items()).encode()

    for path, status in [(url, 200), (f"{url}/", 200), (f"{url}//", 404), (f"{url}%0A", 404)]:
        assert post(path, content, headers).status_code == status


def test_both_tokens_are_equally_good(make_key, client):
    key = make_key(scopes=["orders:read"])
    token = token_of(key)

    assert client.get("/me", headers=bearer(token)).json()["pk"] == key.public_key
    exchanged = client.post(TOKEN_URL, body(key), content_type=JSON)
    assert claims_of(exchanged.json()["token"])["scope"] == claims_of(token)["scope"]
