"""The spellings of a domain, and its aliases: exchange and direct keys (contract §1)."""

import json
from urllib.parse import urlencode

import pytest

from tests.support.created_keys import created_by
from tests.support.messages import TOO_LONG
from tests.support.requests import FORM, JSON, TOKEN_URL, body, key_headers
from tests.support.tokens import claims_of
from tot_jwt.access import verify_keys, verify_token
from tot_jwt.exceptions import InvalidCredentials
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import change_domain, rename_domain
from tot_jwt.models import AppDomain
from tot_jwt.rules.credentials import Credentials, PresentedSecret

pytestmark = [pytest.mark.req("C4"), pytest.mark.usefixtures("unlimited")]
INVALID = b'{"detail":"Invalid credentials","code":"invalid_credentials"}'
OWN = "my_app.example.com"
ALIASES = "127.0.0.1 com.example.my_app localhost www.my_app.example.com"

SPELLINGS = {
    "itself": OWN,
    "upper case": "MY_APP.Example.COM",
    "port": f"{OWN}:8888",
    "short port": f"{OWN}:1",
    "longest port": f"{OWN}:65535",
    "dot": f"{OWN}.",
    "dot and port": f"{OWN}.:443",
    "alias": "localhost",
    "alias with a port": "localhost:8888",
    "alias in upper case": "LOCALHOST:3000",
    "alias with a dot": "www.my_app.example.com.",
    "alias with both": "WWW.my_app.example.com.:8443",
    "bundle id": "com.example.my_app",
    "address": "127.0.0.1",
    "address and port": "127.0.0.1:8000",
}
WRONG = {
    "another domain": "other.example.com",
    "alias of another domain": "shop.test",
    "alias of another domain, with a port": "shop.test:80",
    "parent": "example.com",
    "child": f"a.{OWN}",
    "part of an alias": "my_app.example",
    "start of an alias": "com.example",
    "two aliases": "localhost www.my_app.example.com",
    "all aliases": ALIASES,
    "space": f" {OWN}",
    "alias and a space": "localhost ",
    "two dots": f"{OWN}..",
    "colon": f"{OWN}:",
    "letter as port": f"{OWN}:x",
    "sign in the port": f"{OWN}:+1",
    "six digits": f"{OWN}:123456",
    "two ports": f"{OWN}:80:80",
    "dot after the port": f"{OWN}:80.",
    "only a port": ":80",
    "only a dot": ".",
    "user": f"user@{OWN}",
    "URL": f"http://{OWN}",
    "path": f"{OWN}/",
    "IPv6": "[::1]",
    "IPv6 and a port": "[::1]:8888",
    "IPv6 without brackets": "::1",
    "hyphen for an underscore": OWN.replace("_", "-"),
    "260 characters": "a" * 260,
    "longest": ".".join(["a" * 50] * 4 + ["a" * 49]) + ".:65535",
}


@pytest.fixture
def key(make_key):
    """Return a key of a domain with aliases. Another domain has an alias in common, and one not."""
    make_key(app_domain__domain="other.example.com", app_domain__aliases="localhost shop.test")
    return make_key(app_domain__domain=OWN, app_domain__aliases=ALIASES, scopes=["a"])


@pytest.fixture
def exchanges(client):
    """Return the ways to exchange keys: functions of the sent credentials."""
    return [
        lambda sent: client.post(TOKEN_URL, sent, content_type=JSON),
        lambda sent: client.post(TOKEN_URL, urlencode(sent), content_type=FORM),
    ]


@pytest.fixture
def direct_uses(client):
    """Return the ways to send keys to a host's view: functions of the sent credentials."""
    names = ("appDomain", "totApiKey", "totSecretKey")
    headers = ("Tot-App-Domain", "Tot-Api-Key", "Tot-Secret-Key")
    return [
        lambda sent: client.post("/me", sent, content_type=JSON),
        lambda sent: client.post("/me", urlencode(sent), content_type=FORM),
        lambda sent: client.generic("GET", "/me", json.dumps(sent), content_type=JSON),
        lambda sent: client.get(
            "/me", headers=dict(zip(headers, map(sent.get, names), strict=True))
        ),
    ]


def credentials(key, domain):
    return Credentials(domain, key.public_key, PresentedSecret(key.secret))


@pytest.mark.parametrize("domain", SPELLINGS.values(), ids=SPELLINGS)
def test_each_spelling_is_exchanged(key, exchanges, get_token, domain):
    for exchange in exchanges:
        answer = exchange(body(key, appDomain=domain))
        assert answer.status_code == 200
        token = answer.json()["token"]
        assert claims_of(token)["appDomain"] == OWN
        assert get_token(token).json()["appDomain"] == OWN


@pytest.mark.parametrize("domain", SPELLINGS.values(), ids=SPELLINGS)
def test_each_spelling_is_used_directly(key, direct_uses, domain):
    for use in direct_uses:
        answer = use(body(key, appDomain=domain))
        assert (answer.status_code, answer.json()["pk"]) == (200, key.public_key)

    client, auth = verify_keys(credentials(key, domain), address="")
    assert (client.app_domain, client.app_domain_id) == (OWN, key.app_domain_id)
    assert auth.app_domain == OWN


@pytest.mark.req("B3", "C5")
@pytest.mark.parametrize("domain", WRONG.values(), ids=WRONG)
def test_other_spelling_is_rejected_alike(key, exchanges, direct_uses, domain):
    answers = [send(body(key, appDomain=domain)) for send in [*exchanges, *direct_uses]]

    assert {(answer.status_code, answer.content) for answer in answers} == {(401, INVALID)}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="api"'}


@pytest.mark.parametrize("domain", ["a" * 261, f"{OWN}:{'1' * 300}", "é" * 261])
def test_domain_of_261_characters_is_malformed(key, exchanges, direct_uses, domain):
    sends = [*exchanges, *(direct_uses if domain.isascii() else direct_uses[:-1])]
    for send in sends:
        answer = send(body(key, appDomain=domain))
        assert (answer.status_code, answer.json()) == (400, {"appDomain": [TOO_LONG.format(260)]})


def test_key_decides_whose_alias_it_is(make_key, exchanges, direct_uses):
    keys = [
        make_key(app_domain__domain=f"a{number}.test", app_domain__aliases="localhost shared.test")
        for number in range(3)
    ]

    for key in keys:
        for domain in ("localhost:8888", "shared.test"):
            token = exchanges[0](body(key, appDomain=domain)).json()["token"]
            assert claims_of(token)["appDomain"] == str(key.app_domain)
            assert direct_uses[0](body(key, appDomain=domain)).json()["pk"] == key.public_key
        others = [str(other.app_domain) for other in keys if other is not key]
        assert [exchanges[0](body(key, appDomain=other)).status_code for other in others] == [
            401,
            401,
        ]


def test_domain_may_be_alias_of_another(make_key, exchanges):
    """It stays a domain of its own: each key is asked for its own domain."""
    first = make_key(app_domain__domain="first.test", app_domain__aliases="second.test")
    second = make_key(app_domain__domain="second.test")

    assert [
        claims_of(exchanges[0](body(key, appDomain="second.test")).json()["token"])["appDomain"]
        for key in (first, second)
    ] == ["first.test", "second.test"]
    assert exchanges[0](body(second, appDomain="first.test")).status_code == 401


def test_created_key_has_its_domains_aliases(key, exchanges):
    created = created_by(key)

    assert exchanges[0](body(created, appDomain="localhost:8888")).status_code == 200


# Changes


def set_aliases(key, *aliases):
    """Change the aliases of the key's domain, as the package does."""
    row = AppDomain.objects.get(pk=key.app_domain_id)
    change_domain(
        row,
        name=row.name,
        aliases=aliases,
        contact=row.contact,
        external_id=row.external_id,
        metadata=row.metadata,
        rate_limit=row.rate_limit,
    )


@pytest.mark.req("A11")
def test_removed_alias_stops_at_once(key, exchanges, direct_uses):
    sends = [exchanges[0], direct_uses[0]]
    assert [send(body(key, appDomain="localhost")).status_code for send in sends] == [200, 200]
    token = exchanges[0](body(key, appDomain="localhost")).json()["token"]

    set_aliases(key, "www.my_app.example.com")

    statuses = [send(body(key, appDomain="localhost")).status_code for send in sends]
    assert statuses == [401, 401]
    assert [send(body(key)).status_code for send in sends] == [200, 200]
    assert verify_token(token, address="")[0].app_domain == OWN


@pytest.mark.req("A11")
def test_alias_removed_elsewhere_stops_soon(key, exchanges, pass_time):
    exchanges[0](body(key))
    AppDomain.objects.filter(pk=key.app_domain_id).update(aliases="")

    pass_time(5)

    assert exchanges[0](body(key, appDomain="localhost")).status_code == 401


def test_alias_added_elsewhere_works_at_once(key, exchanges, direct_uses):
    """The cached state rejects nothing: the database is asked before."""
    sends = [exchanges[0], direct_uses[0]]
    for send in sends:
        assert send(body(key)).status_code == 200
        assert send(body(key, appDomain="new.test")).status_code == 401
    AppDomain.objects.filter(pk=key.app_domain_id).update(aliases="new.test")

    statuses = [send(body(key, appDomain="new.test:8080")).status_code for send in sends]
    assert statuses == [200, 200]


@pytest.mark.req("A11")
@pytest.mark.parametrize("keep_alias", [True, False])
def test_renaming_ends_live_tokens(key, exchanges, get_token, make_token, keep_alias):
    token = make_token(key)

    rename_domain(key.app_domain, "renamed.test", keep_alias=keep_alias)

    refused = get_token(token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    answers = {
        domain: exchanges[0](body(key, appDomain=domain)) for domain in (OWN, "renamed.test")
    }
    assert answers[OWN].status_code == (200 if keep_alias else 401)
    claims = claims_of(answers["renamed.test"].json()["token"])
    assert claims["appDomain"] == "renamed.test"
    if keep_alias:
        assert claims_of(answers[OWN].json()["token"])["appDomain"] == "renamed.test"


# Queries


@pytest.mark.parametrize("domain", [OWN, "localhost:8888", "www.my_app.example.com."])
def test_alias_costs_no_further_query(key, exchanges, client, domain, django_assert_num_queries):
    headers = {**key_headers(key), "Tot-App-Domain": domain}
    for send in (
        lambda: exchanges[0](body(key, appDomain=domain)),
        lambda: client.get("/me", headers=headers),
    ):
        key_state.reset()
        for number in (1, 0):
            with django_assert_num_queries(number):
                assert send().status_code == 200


@pytest.mark.req("B3")
@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("domain", ["shop.test", "not a domain", "[::1]", f"{OWN}:"])
def test_wrong_domain_queries_once(key, exchanges, domain, is_cached, django_assert_num_queries):
    if is_cached:
        exchanges[0](body(key))

    with django_assert_num_queries(1):
        assert exchanges[0](body(key, appDomain=domain)).status_code == 401
    with pytest.raises(InvalidCredentials):
        verify_keys(credentials(key, domain), address="")
