"""API keys on the views of a host, without an exchange."""

import json
import re
from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.parsers import BaseParser, FormParser, JSONParser
from rest_framework.test import APIRequestFactory

from tests.support.requests import FORM, JSON, body, form, key_headers
from tests.views import KeysOnly, WhoAmI
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import suspend_domain
from tot_jwt.principal import ApiKeyAuth


def send_each_way(client, url, key):
    """Yield the responses to each way in which clients send their keys."""
    sent = {**body(key), "appUserid": "42", "person": {"names": ["a"]}}
    in_form = form(key, "&appUserid=42")
    yield client.post(url, sent, content_type=JSON)
    yield client.post(url, in_form, content_type=FORM, headers={"charset": "utf-8"})
    yield client.generic("GET", url, json.dumps(sent), content_type=JSON)
    yield client.get(url, headers=key_headers(key))


def test_keys_authenticate_in_each_way(make_key, client):
    key = make_key(scopes=["orders:read"])

    for answer in send_each_way(client, "/me", key):
        assert answer.status_code == 200
        assert answer.json()["pk"] == key.public_key
        assert answer.json()["auth"] == "ApiKeyAuth"
        assert answer.json()["scopes"] == ["orders:read"]


def test_auth_describes_key_without_secret(make_key):
    key = make_key()
    request = APIRequestFactory().get("/me", headers=key_headers(key))

    auth = KeysOnly.as_view()(request).renderer_context["request"].auth

    assert auth == ApiKeyAuth(key.public_key, key.app_domain.domain, "live")
    assert key.secret not in repr(auth)


def test_key_without_tokens_authenticates_directly(make_key, client):
    key = make_key(can_issue_tokens=False)

    assert {answer.status_code for answer in send_each_way(client, "/me", key)} == {200}


UNCHANGED: dict[str, Any] = {
    "name": "x",
    "scopes": [],
    "expires_at": None,
    "can_issue_tokens": True,
}


@pytest.mark.req("B5", "B3")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda key: None, 200),
        (lambda key: setattr(key, "secret", key.secret + "x"), 401),
        (lambda key: setattr(key, "secret", "ü" + key.secret), 401),
        (lambda key: setattr(key, "secret", key.secret_hash), 401),
        (lambda key: setattr(key, "public_key", key.public_key + "x"), 401),
        (lambda key: setattr(key.app_domain, "domain", "other.example.com"), 401),
        (lifecycle.revoke_key, 401),
        (lifecycle.disable_key, 401),
        (lambda key: suspend_domain(key.app_domain), 403),
        (lambda key: lifecycle.change_key(key, **UNCHANGED, allowed_ips=["192.0.2.1"]), 403),
        (lambda key: lifecycle.change_key(key, **UNCHANGED, allowed_ips=["127.0.0.1"]), 200),
    ],
)
def test_direct_keys_are_judged_like_exchanged(make_key, client, post_token, change, status):
    key = make_key()
    change(key)

    exchanged = post_token(key)
    assert exchanged.status_code == status
    for answer in send_each_way(client, "/keys-only", key):
        assert answer.status_code == status
        if status != 200:
            assert answer.json() == exchanged.json()
            challenges = [each.headers.get("WWW-Authenticate") for each in (answer, exchanged)]
            assert challenges[0] == challenges[1]


# Beside the credentials of others


@pytest.mark.parametrize("url", ["/me", "/keys-only", "/session-first"])
@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic dXNlcjpwYXNz",
        "basic",
        "Token 9944b091",
        "Digest a=b",
        "Bearerx y",
        "\tBearer x",
    ],
)
def test_keys_count_beside_other_scheme(make_key, client, url, header):
    key = make_key()
    client.defaults["HTTP_AUTHORIZATION"] = header

    for answer in send_each_way(client, url, key):
        assert (answer.status_code, answer.json()["pk"]) == (200, key.public_key)
    key.secret += "x"
    for answer in send_each_way(client, url, key):
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


# What is left for the view


@pytest.mark.req("E6")
def test_view_does_not_see_the_secret(make_key, client):
    key = make_key()
    in_json, in_form, in_get, _ = (answer.json() for answer in send_each_way(client, "/me", key))

    for answer in (in_json, in_form, in_get):
        assert "totSecretKey" not in answer["data"]
        assert answer["data"]["totApiKey"] == key.public_key
        assert answer["data"]["appUserid"] == "42"
        assert key.secret not in json.dumps(answer)
    assert in_form["post"]["appUserid"] == "42"


@pytest.mark.req("E6")
@pytest.mark.parametrize(
    ("view", "hidden"),
    [
        (WhoAmI.as_view(), ["totSecretKey"]),
        (sensitive_post_parameters("pin")(WhoAmI.as_view()), ["pin", "totSecretKey"]),
        (sensitive_post_parameters()(WhoAmI.as_view()), "__ALL__"),
    ],
)
def test_error_report_hides_the_secret(make_key, rf, view, hidden):
    request = rf.post("/me", form(make_key()), content_type=FORM)

    view(request)

    assert request.sensitive_post_parameters == hidden
    assert "totSecretKey" not in request.POST


@pytest.mark.req("E8")
@pytest.mark.parametrize(
    "authentication_classes",
    [[ApiKeyAuthentication], [JWTAuthentication], [JWTAuthentication, ApiKeyAuthentication]],
)
@pytest.mark.parametrize(
    "header", [None, "", "Basic x", "Bearer x", "Bearer a.b.c", "Bearer {token}", "x" * 9000]
)
def test_secret_is_hidden_before_all(make_key, make_token, rf, header, authentication_classes):
    key = make_key()
    headers = {} if header is None else {"Authorization": header.format(token=make_token(key))}
    request = rf.post("/me", form(key), content_type=FORM, headers=headers)

    KeysOnly.as_view(authentication_classes=authentication_classes)(request)

    assert request.sensitive_post_parameters == ["totSecretKey"]


class SnakeCaseParser(JSONParser):
    """A parser that gives the members Python's names, and wraps them."""

    def parse(self, stream, media_type=None, parser_context=None):
        data = super().parse(stream, media_type, parser_context)
        renamed = {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", k): v for k, v in data.items()}
        return {**renamed, "copies": [renamed, [data["totSecretKey"], "b"]]}


class RenamingFormParser(FormParser):
    """A parser that keeps the fields of a form under other names too."""

    def parse(self, stream, media_type=None, parser_context=None):
        data = super().parse(stream, media_type, parser_context).copy()
        data.setlist("secret", ["a", data["totSecretKey"]])
        return {"form": data, "list": [MultiValueDict({"s": [data["totSecretKey"]]})]}


@pytest.mark.req("E8")
@pytest.mark.parametrize("parser", [SnakeCaseParser, RenamingFormParser])
def test_secret_leaves_under_any_name(make_key, rf, parser):
    key = make_key()
    sent = form(key, "&a=1") if issubclass(parser, FormParser) else body(key, a=1)
    content_type = FORM if issubclass(parser, FormParser) else JSON
    request = rf.post("/me", sent, content_type=content_type)

    data = KeysOnly.as_view(parser_classes=[parser])(request).data["data"]

    assert key.secret not in repr(data)
    assert key.public_key in repr(data)
    if parser is SnakeCaseParser:
        assert data["tot_api_key"] == key.public_key
        assert data["copies"] == [{**data["copies"][0], "a": 1}, ["b"]]


class EndlessParser(JSONParser):
    """A parser whose result holds itself."""

    def parse(self, stream, media_type=None, parser_context=None):
        data = super().parse(stream, media_type, parser_context)
        data["self"] = data
        return data


def test_search_for_secret_is_bounded(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type=JSON)

    data = KeysOnly.as_view(parser_classes=[EndlessParser])(request).data["data"]

    assert data["self"] is data
    assert "totSecretKey" not in data


def test_form_of_django_loses_secret(make_key, rf):
    request = rf.post("/me", form(make_key(), "&a=1"), content_type=FORM)

    user, _ = ApiKeyAuthentication().authenticate(request)

    assert user.pk == request.POST["totApiKey"]
    assert "totSecretKey" not in request.POST
    with pytest.raises(AttributeError):
        request.POST["a"] = "2"


@pytest.mark.parametrize("content_type", [JSON, "application/vnd.example+json"])
def test_json_of_django_is_searched(make_key, rf, content_type):
    key = make_key()
    request = rf.post("/me", json.dumps(body(key)), content_type=content_type)

    user, _ = ApiKeyAuthentication().authenticate(request)

    assert user.pk == key.public_key
    assert ApiKeyAuthentication().authenticate(rf.get("/me")) is None
    text = rf.post("/me", "totApiKey", content_type="text/plain")
    assert ApiKeyAuthentication().authenticate(text) is None


class RawParser(BaseParser):
    """A parser whose result is not a mapping."""

    media_type = JSON

    def parse(self, stream, media_type=None, parser_context=None):
        return "raw"


def test_data_of_other_types_stays_unchanged(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type=JSON)

    assert KeysOnly.as_view(parser_classes=[RawParser])(request).data["data"] == "raw"


def test_view_without_parser_answers_415(make_key, rf):
    request = rf.post("/me", body(make_key()), content_type=JSON)

    assert KeysOnly.as_view(parser_classes=[])(request).status_code == 415
