"""An installation that serves only some environments (contract §1)."""

import pytest

from tests.support.keys_client import code_of
from tests.support.requests import JSON, TOKEN_URL, bearer, body, key_headers

ME = "/me"
FORBIDDEN = (403, "insufficient_permissions")
#: Ways to use a key or its token.
USES = {
    "exchange": lambda client, key, token: client.post(TOKEN_URL, body(key), content_type=JSON),
    "direct body": lambda client, key, token: client.post(ME, body(key), content_type=JSON),
    "direct headers": lambda client, key, token: client.get(ME, headers=key_headers(key)),
    "token": lambda client, key, token: client.get(ME, headers=bearer(token)),
    "verification": lambda client, key, token: client.get(TOKEN_URL, headers=bearer(token)),
    "keys": lambda client, key, token: client.get("/api/internal/auth/keys", headers=bearer(token)),
    "revocation": lambda client, key, token: client.delete(TOKEN_URL, headers=bearer(token)),
}


@pytest.mark.req("A11")
@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("environment", ["live", "test"])
@pytest.mark.parametrize("max_age", [0, 5])
def test_only_served_environments_are_used(
    make_key, make_token, client, settings, use, environment, max_age
):
    key = make_key(environment=environment)
    token = make_token(key)
    other = "test" if environment == "live" else "live"

    for served, expected in [([other], 403), ([environment], 200), ([other], 403)]:
        settings.TOT_JWT = {"ENVIRONMENTS": served, "KEY_STATE_MAX_AGE": max_age}
        if use is USES["revocation"] and expected == 200:
            continue  # it ends the token
        answer = use(client, key, token)
        assert answer.status_code == expected
        assert expected == 200 or code_of(answer) == FORBIDDEN
    settings.TOT_JWT = {"ENVIRONMENTS": ["test", "live"]}
    assert use(client, key, token).status_code in (200, 204)


@pytest.mark.req("B3")
@pytest.mark.parametrize("use", ["exchange", "direct body", "direct headers"])
def test_wrong_secret_tells_no_environment(make_key, client, settings, use):
    settings.TOT_JWT = {"ENVIRONMENTS": ["live"]}
    key = make_key(environment="test")
    key.secret = "wrong"

    assert code_of(USES[use](client, key, "")) == (401, "invalid_credentials")


def test_refusal_names_the_environment(make_key, client, settings, caplog):
    settings.TOT_JWT = {"ENVIRONMENTS": ["live"]}
    key = make_key(environment="test")

    client.post(ME, body(key), content_type=JSON)

    assert f"reason=environment_not_served key={key.public_key}" in caplog.text
