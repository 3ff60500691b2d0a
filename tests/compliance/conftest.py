"""Calls of the OAuth endpoints."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.compliance import GRANT
from tests.support.oauth import TOKEN, basic_of
from tests.support.requests import FORM


@pytest.fixture
def post_form(client: Client) -> Callable[..., Any]:
    """``post_form(url, key, token="…")``: send parameters. A key authenticates with HTTP Basic."""

    def post(url: str, key: Any = None, **parameters: str) -> Any:
        headers = basic_of(key) if key else {}
        return client.post(url, urlencode(parameters), content_type=FORM, headers=headers)

    return post


@pytest.fixture
def grant(post_form: Callable[..., Any]) -> Callable[..., Any]:
    """``grant(key, scope="…")``: request a token with the grant of client credentials."""

    def request(key: Any = None, **parameters: str) -> Any:
        return post_form(TOKEN, key, **{**GRANT, **parameters})

    return request


@pytest.fixture
def make_access_token(grant: Callable[..., Any]) -> Callable[..., str]:
    """``make_access_token(key)``: return a token from the OAuth endpoint."""

    def make(key: Any, **parameters: str) -> str:
        response = grant(key, **parameters)
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])

    return make
