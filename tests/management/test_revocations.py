"""``revoke_key`` with several keys."""

import pytest
from django.core.management import CommandError
from django.db.models.signals import pre_save

from tot_jwt.exceptions import Conflict
from tot_jwt.models import ApiKey, KeyEvent


def public_keys(keys):
    return [key.public_key for key in keys]


def revoked():
    return ApiKey.objects.exclude(revoked_at=None).count()


@pytest.fixture
def keys(make_key):
    """Return three keys of different domains."""
    return [make_key() for _ in range(3)]


@pytest.mark.req("E7")
def test_several_keys_are_revoked(run, run_json, keys, post_token, make_key):
    other = make_key()

    printed = run_json("revoke_key", *public_keys(keys))

    assert [each["totApiKey"] for each in printed] == public_keys(keys)
    assert [each["status"] for each in printed] == ["revoked"] * 3
    assert [post_token(key).status_code for key in keys] == [401] * 3
    assert post_token(other).status_code == 200
    assert len(run("revoke_key", *public_keys(keys)).splitlines()) == 3
    assert KeyEvent.objects.filter(action="revoked").count() == 3


@pytest.mark.parametrize("text", ["{}\n{}\n{}\n", "  {}\r\n\n{}\t\n\n{}", "{0}\n{1}\n{2}\n{0}\n"])
def test_dash_reads_standard_input(run_json, keys, type_in, text):
    type_in(text.format(*public_keys(keys)))

    assert [each["status"] for each in run_json("revoke_key", "-")] == ["revoked"] * 3
    assert revoked() == 3


def test_dash_joins_named_keys(run_json, keys, type_in):
    type_in(keys[1].public_key)

    printed = run_json("revoke_key", keys[2].public_key, "-")

    assert [each["totApiKey"] for each in printed] == public_keys([keys[2], keys[1]])


def test_one_line_prints_a_list(run, run_json, keys, type_in):
    type_in(keys[0].public_key)
    assert isinstance(run_json("revoke_key", "-"), list)


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_empty_input_is_an_error(run, keys, type_in, text):
    type_in(text)

    with pytest.raises(CommandError, match="no public key"):
        run("revoke_key", keys[0].public_key, "-")
    assert revoked() == 0


@pytest.mark.parametrize("unknown", ["pk_x", "PK_MIXED", "é", "pk_Mixed\x1b[2J", "\udcff"])
def test_unknown_key_prevents_all_revocations(run, make_key, keys, unknown):
    make_key(public_key="pk_Mixed")

    with pytest.raises(CommandError) as caught:
        run("revoke_key", keys[0].public_key, unknown, "pk_y", keys[1].public_key)

    first, second = str(caught.value).splitlines()
    assert first.startswith("API key ")
    assert second == "API key pk_y does not exist."
    assert first.isprintable()
    assert revoked() == 0


def test_failure_leaves_other_keys_revoked(outcome, keys):
    def fail(instance, **kwargs):
        if instance.pk == keys[1].pk:
            raise Conflict

    pre_save.connect(fail, sender=ApiKey)
    try:
        result = outcome("revoke_key", *public_keys(keys), "--json")
    finally:
        pre_save.disconnect(fail, sender=ApiKey)

    assert result.status == 1
    assert result.err == f"{keys[1].public_key} was not revoked: {Conflict.detail}\n"
    assert [each["status"] for each in result.document] == ["revoked", "active", "revoked"]


def test_many_keys_are_found_together(run, make_domain, make_key, django_assert_num_queries):
    app_domain = make_domain()
    made = [make_key(app_domain=app_domain) for _ in range(10)]

    with django_assert_num_queries(1 + 10 * 6) as queries:
        run("revoke_key", *public_keys(made))

    assert sum("IN (" in query["sql"] for query in queries.captured_queries) == 1
