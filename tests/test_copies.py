"""Copies: immutable objects copy to themselves, and a pickle of a secret is redacted."""

import copy
import pickle
from typing import Any

import pytest
from django.test import TestCase

from tot_jwt.keys import create_domain, create_key
from tot_jwt.principal import ApiClient, ApiKeyAuth
from tot_jwt.rules.credentials import Redacted, SecretKey
from tot_jwt.tokens.token import ApiToken

CLIENT = ApiClient("pk_x", "myapp.com", 7, "live", frozenset({"a"}), confirm=frozenset)


@pytest.mark.req("A12", "E2")
@pytest.mark.parametrize(
    "original",
    [SecretKey("hush"), Redacted("hush"), CLIENT, ApiKeyAuth("pk_x", "myapp.com", "live")],
)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy_is_the_object_itself(original, duplicate):
    assert duplicate(original) is original
    assert duplicate([original])[0] is original
    assert duplicate({"a": original})["a"] is original


@pytest.mark.req("A12")
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy_of_token_is_itself(make_key, make_token, duplicate):
    token = ApiToken(make_token(make_key()))

    assert duplicate(token) is token


@pytest.mark.req("E2")
@pytest.mark.parametrize("kind", [SecretKey, Redacted])
def test_pickle_of_secret_is_redacted(kind):
    pickled = pickle.dumps(kind("hush"))

    assert b"hush" not in pickled
    assert pickle.loads(pickled).reveal() == f"<{kind.__name__}: redacted>"  # noqa: S301


class DataOfTestCase(TestCase):
    """A host's test case: Django deep-copies what `setUpTestData` stores."""

    key: Any
    secret: SecretKey
    nested: dict[str, Any]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.key, cls.secret = create_key(create_domain("myapp.com"), name="A key")
        cls.nested = {"client": CLIENT, "secrets": [cls.secret]}

    def exchange(self) -> int:
        """Return the status of an exchange with the stored secret."""
        credentials = {
            "appDomain": "myapp.com",
            "totApiKey": self.key.public_key,
            "totSecretKey": self.secret.reveal(),
        }
        url = "/api/internal/auth/token"
        status: int = self.client.post(url, credentials, "application/json").status_code
        return status

    def test_secret_is_exchanged(self) -> None:
        assert self.exchange() == 200
        assert self.nested["secrets"][0].reveal() == self.secret.reveal()
        assert self.nested["client"] is CLIENT

    def test_secret_is_exchanged_again(self) -> None:
        assert self.exchange() == 200
