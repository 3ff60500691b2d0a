"""The names of keys and domains, wherever they are given (contract §5)."""

import pytest
from django.core.exceptions import ValidationError

from tests.support.keys_client import KeysClient
from tests.support.messages import BLANK, NUL_CHARACTER, SURROGATE, TOO_LONG
from tests.support.names import ACCEPTED, DISTURBING, INVISIBLE
from tests.support.stored_keys import columns_of, key_in, reread, stored_columns
from tot_jwt.keys import lifecycle
from tot_jwt.keys.domains import change_domain, create_domain
from tot_jwt.models import ApiKey, AppDomain

pytestmark = pytest.mark.django_db
TOLD_INVISIBLE = "Use at least one visible character."
TOLD_DISTURBING = "Control characters, line separators and bidirectional controls are not allowed."
REFUSED = {
    **{name: (text, TOLD_INVISIBLE if text.strip() else BLANK) for name, text in INVISIBLE.items()},
    **{
        name: (text, TOLD_DISTURBING if text.strip() else BLANK)
        for name, text in DISTURBING.items()
    },
    "NUL": ("a\0", NUL_CHARACTER),
    "surrogate": ("a\ud800", SURROGATE),
    "201 letters": ("W" * 201, TOO_LONG.format(200)),
    "201 emoji": ("\U0001f993" * 201, TOO_LONG.format(200)),
}
#: The names that people and code of the host give are refused too, in words of their own.
NAMES_REFUSED = [text for text, _ in REFUSED.values() if "\ud800" not in text]


@pytest.mark.parametrize(("name", "told"), REFUSED.values(), ids=REFUSED)
def test_bad_name_is_refused_by_endpoints(api, child, name, told):
    for answer in (api.create(name=name), api.change(child, name=name)):
        assert (answer.status_code, answer.json()) == (400, {"name": [told]})
    assert stored_columns(child) == columns_of(child)
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("name", ACCEPTED.values(), ids=ACCEPTED)
def test_good_name_is_stored_as_sent(api: KeysClient, child, name):
    created = api.create(name=name)

    assert (created.status_code, created.json()["name"]) == (201, name)
    assert reread(key_in(created)).name == name
    assert api.change(child, name=name).json()["name"] == name


@pytest.mark.parametrize("name", NAMES_REFUSED, ids=ascii)
def test_bad_name_is_refused_by_code(make_key, make_domain, name):
    key, app_domain = make_key(), make_domain()
    calls = [
        lambda: lifecycle.create_key(app_domain, name=name),
        lambda: create_domain("new.example", name=name),
        lambda: change_domain(
            app_domain,
            name=name,
            aliases=[],
            contact="",
            external_id=None,
            metadata={},
            rate_limit="",
        ),
        lambda: lifecycle.change_key(
            key, name=name, scopes=[], expires_at=None, allowed_ips=[], can_issue_tokens=True
        ),
    ]

    for call in calls:
        with pytest.raises(ValidationError) as raised:
            call()
        assert list(raised.value.message_dict) == ["name"]
    assert (reread(key).name, AppDomain.objects.count()) == (key.name, 2)


@pytest.mark.parametrize("name", ACCEPTED.values(), ids=ACCEPTED)
def test_good_name_is_accepted_by_code(make_domain, name):
    key, _ = lifecycle.create_key(make_domain(), name=name)

    assert key.name == name
    assert create_domain("new.example", name=name).name == name


@pytest.mark.parametrize("name", ["\u200b", "a\u202eb", "a\u2028b", "a\nb", "\u3164", "\u0301"])
def test_models_validate_names_for_forms(make_key, name):
    key = make_key()
    key.name = key.app_domain.name = name

    for row in (key, key.app_domain):
        with pytest.raises(ValidationError) as raised:
            row.full_clean()
        assert "name" in raised.value.message_dict


def test_domain_needs_no_name(db):
    assert create_domain("new.example").name == ""
