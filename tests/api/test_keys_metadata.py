"""The keys endpoints: the metadata and the rate limit of a key (contract §5)."""

import json

import pytest

from tests.support.keys_client import KEYS_URL, client_of, code_of, url_of
from tests.support.stored_keys import columns_of, key_in, reread, stored_columns
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent

pytestmark = pytest.mark.django_db
TOLD = {"metadata": ["Not a JSON object of strings with at most 2048 bytes."]}
YOURS = (403, "key_not_yours")


def sized(number, letter):
    """Return metadata of exactly so many bytes in UTF-8."""
    room = number - len('{"k":""}')
    text = letter * (room // len(letter.encode()))
    return {"k": text + "a" * (room - len(text.encode()))}


ACCEPTED = {
    "nothing": {},
    "strings": {"customer": "42", "plan": ""},
    "empty name": {"": "x"},
    "names of keys": {"totSecretKey": "x", "appDomain": "y", "__proto__": "z"},
    "Unicode": {"Größe": "\u200b\u202e🦓\n"},
    "2,048 bytes": sized(2048, "a"),
    "2,048 bytes in UTF-8": sized(2048, "ü"),
}


@pytest.mark.parametrize("metadata", ACCEPTED.values(), ids=ACCEPTED)
def test_metadata_is_stored_and_shown(api, child, metadata):
    created = api.create(metadata=metadata)

    assert (created.status_code, created.json()["metadata"]) == (201, metadata)
    assert reread(key_in(created)).metadata == metadata
    assert api.change(child, metadata=metadata).json()["metadata"] == metadata
    assert api.show(child).json()["metadata"] == metadata
    assert api.list().json()["results"][1]["metadata"] == metadata


#: As JSON, since a dict has no name twice.
REFUSED = {
    "null": "null",
    "text": '"a"',
    "text of an object": '"{}"',
    "number": "0",
    "boolean": "false",
    "list": "[]",
    "list of pairs": '[["a", "b"]]',
    "list of an object": '[{"a": "b"}]',
    "number in it": '{"a": 1}',
    "null in it": '{"a": null}',
    "boolean in it": '{"a": true}',
    "object in it": '{"a": {}}',
    "object in an object": '{"a": {"b": "c"}}',
    "list in it": '{"a": ["b"]}',
    "empty list in it": '{"a": []}',
    "name twice": '{"a": "b", "a": "b"}',
    "name twice, once escaped": '{"a": "b", "\\u0061": "c"}',
    "NUL in a value": '{"a": "\\u0000"}',
    "NUL in a name": '{"\\u0000": "a"}',
    "surrogate in a value": '{"a": "\\ud800"}',
    "surrogate in a name": '{"\\udfff": "a"}',
    "2,049 bytes": json.dumps(sized(2049, "a")),
    "2,049 bytes in UTF-8": json.dumps(sized(2049, "ü"), ensure_ascii=False),
    "2,049 bytes in UTF-8, escaped": json.dumps(sized(2049, "🦓")),
}


@pytest.mark.req("C5")
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_other_metadata_is_refused_by_name(api, child, text):
    sent = f'{{"name": "x", "scopes": [], "metadata": {text}}}'.encode()

    for method, url in [("post", KEYS_URL), ("patch", url_of(child))]:
        answer = api.send(method, url, sent)
        assert (answer.status_code, answer.json()) == (400, TOLD)
    assert stored_columns(child) == columns_of(child)
    assert ApiKey.objects.count() == 2


def test_metadata_is_replaced_as_a_whole(api, child):
    api.change(child, metadata={"a": "1", "b": "2"})

    assert api.change(child, metadata={"b": "3"}).json()["metadata"] == {"b": "3"}
    assert api.change(child, name="Other").json()["metadata"] == {"b": "3"}
    assert api.change(child, metadata={}).json()["metadata"] == {}


def test_metadata_is_recorded(api, child):
    created = key_in(api.create(metadata={"a": "1"}))
    api.change(created, metadata={"a": "2"})
    api.change(created, name="Other")

    events = KeyEvent.objects.filter(key=created).order_by("pk")
    assert [event.changes.get("metadata") for event in events] == [
        [None, {"a": "1"}],
        [{"a": "1"}, {"a": "2"}],
        None,
    ]
    assert "metadata" not in KeyEvent.objects.get(key=child).changes


@pytest.mark.parametrize("sent", [{"a": "1", "b": "2"}, {"b": "2", "a": "1"}])
def test_same_metadata_writes_nothing(api, sent):
    created = key_in(api.create(metadata={"a": "1", "b": "2"}))
    before = stored_columns(created)

    assert api.change(created, metadata=sent).status_code == 200

    assert stored_columns(created) == before
    assert KeyEvent.objects.filter(key=created).count() == 1


@pytest.mark.req("F1")
def test_only_controlled_keys_get_metadata(make_key, key, api, child):
    sibling = make_key(app_domain=key.app_domain)
    lifecycle.disable_key(restricted := key_in(api.create()))
    before = [stored_columns(one) for one in (key, sibling, restricted)]

    for one in (key, sibling, restricted):
        assert code_of(api.change(one, metadata={"a": "1"})) == YOURS
    assert code_of(client_of(child).change(child, metadata={"a": "1"})) == YOURS
    assert [stored_columns(one) for one in (key, sibling, restricted)] == before


@pytest.mark.req("F1")
def test_metadata_hides_no_narrowing(make_key, key, api):
    """What only takes away is allowed on any key, but metadata beside it is not."""
    sibling = make_key(app_domain=key.app_domain, scopes=["orders:read"])

    assert code_of(api.change(sibling, scopes=[], metadata={"a": "1"})) == YOURS
    assert api.change(sibling, scopes=[], metadata={}).status_code == 200


# The rate limit


@pytest.mark.parametrize(
    ("creators", "own", "shown"),
    [
        ("", "", None),
        ("", "5/min", "5/min"),
        ("600/min", "", "600/min"),
        ("600/min", "5/min", "5/min"),
        ("5/min", "600/hour", "600/hour"),
    ],
)
def test_rate_limit_is_own_or_creators(key, api, child, creators, own, shown):
    ApiKey.objects.filter(pk=key.pk).update(rate_limit=creators)
    ApiKey.objects.filter(pk=child.pk).update(rate_limit=own)

    assert api.show(child).json()["rateLimit"] == shown
    assert api.show(key).json()["rateLimit"] == (creators or None)
    listed = {one["totApiKey"]: one["rateLimit"] for one in api.list().json()["results"]}
    assert listed == {child.public_key: shown, key.public_key: creators or None}
    lifecycle.release_key(child)
    assert api.show(child).json()["rateLimit"] == (own or None)


@pytest.mark.req("F1")
@pytest.mark.parametrize("value", ["1/s", "", None, "none"])
def test_no_token_sets_rate_limits(key, api, child, value):
    for answer in (api.create(rateLimit=value), api.change(child, rateLimit=value)):
        assert answer.status_code == 400
        assert list(answer.json()) == ["non_field_errors"]
    assert reread(child).rate_limit == ""
