"""What the models check themselves, and what may be deleted."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError

from tests.support.created_keys import created_by
from tests.support.times import NOON
from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import ApiKey, AppDomain, KeyEvent, KeyUsage


@pytest.mark.req("C4")
@pytest.mark.parametrize("domain", ["Example.com", "ä.example", "example.com\n", ""])
def test_uncanonical_domain_is_not_saved(db, domain):
    with pytest.raises(InvalidValue):
        AppDomain(domain=domain).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppDomain.objects.bulk_create([AppDomain(domain=domain)])


def test_key_form_names_the_invalid_network(make_key):
    key = make_key()
    key.allowed_ips = "192.0.2.1 nonsense"

    with pytest.raises(ValidationError) as raised:
        key.full_clean()

    assert "nonsense" in str(raised.value.message_dict["allowed_ips"])


def test_domain_with_keys_cannot_be_deleted(make_key):
    with pytest.raises(RestrictedError):
        make_key().app_domain.delete()


def test_key_outlives_its_creators_account(make_key, make_user):
    user = make_user()
    key = make_key(created_by=user)

    user.delete()

    assert ApiKey.objects.get(pk=key.pk).created_by is None


@pytest.mark.parametrize(
    "nearly", [str.upper, str.lower, "{} ".format, " {}".format, "{}\n".format]
)
def test_public_key_is_compared_exactly(make_key, post_token, nearly):
    key = make_key(public_key="pk_Mixed_Case")

    assert post_token(key, totApiKey=nearly(key.public_key)).status_code == 401
    assert ApiKey.objects.get_exact(nearly(key.public_key)) is None
    assert ApiKey.objects.get_exact("pk_Mixed_Case") == key


def test_created_with_finds_inner_keys(make_key):
    creator, other = make_key(), make_key()
    child = created_by(creator)
    created_by(creator, revoked_at=NOON)
    created_by(creator, released_at=NOON)
    others = created_by(other)

    assert list(ApiKey.objects.created_with([creator])) == [child]
    assert set(ApiKey.objects.created_with([creator, other])) == {child, others}
    assert not ApiKey.objects.created_with([child])


@pytest.mark.parametrize("released_at", [None, NOON])
def test_creator_cannot_be_deleted(make_key, released_at):
    creator = make_key()
    created_by(creator, released_at=released_at)
    KeyEvent.objects.all().erase()

    with pytest.raises(RestrictedError):
        creator.delete()


# Domains


def test_aliases_become_canonical_in_forms(db):
    row = AppDomain(domain="Example.com", aliases="WWW.Example.com:80\nlocalhost\texample.com.")

    row.full_clean()

    assert (row.domain, row.aliases) == ("example.com", "localhost www.example.com")
    assert row.alias_list == ["localhost", "www.example.com"]
    assert AppDomain(domain="a.example").alias_list == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "a b"),
        ("aliases", "localhost https://a.example"),
        ("aliases", " ".join(f"a{number}.example" for number in range(51))),
        ("name", "\u200b"),
        ("contact", "nobody"),
        ("external_id", "x" * 256),
        ("metadata", {"a": 1}),
        ("metadata", ["a"]),
        ("metadata", {"a": "b" * 2048}),
        ("rate_limit", "many"),
    ],
)
def test_domain_form_names_the_field(db, field, value):
    with pytest.raises(ValidationError) as raised:
        AppDomain(**{"domain": "example.com", field: value}).full_clean()

    assert list(raised.value.message_dict) == [field]


def test_domains_need_no_external_id(db):
    for number in range(3):
        row = AppDomain(domain=f"a{number}.example", external_id="")
        row.full_clean()
        row.save()

    assert list(AppDomain.objects.values_list("external_id", flat=True)) == [None] * 3


def test_external_id_belongs_to_one_domain(db):
    AppDomain.objects.create(domain="a.example", external_id="C-1")

    with pytest.raises(ValidationError, match="Another domain has this external ID"):
        AppDomain(domain="b.example", external_id="C-1").full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppDomain.objects.create(domain="b.example", external_id="C-1")


@pytest.mark.parametrize(
    ("field", "value"), [("rate_limit", "many"), ("metadata", {"a": None}), ("name", "a\u202eb")]
)
def test_key_form_names_the_field(make_key, field, value):
    key = make_key()
    setattr(key, field, value)

    with pytest.raises(ValidationError) as raised:
        key.full_clean()

    assert list(raised.value.message_dict) == [field]


# Events


def test_events_name_what_they_concern(make_key):
    key = make_key()
    moment = NOON.replace(microsecond=0)
    events = [
        KeyEvent(action="changed", at=moment, app_domain=key.app_domain, key=key),
        KeyEvent(action="suspended", at=moment, app_domain=key.app_domain),
        KeyEvent(action="events_pruned", at=moment),
    ]

    assert [str(event) for event in events] == [
        f"2025-10-29 12:00:00 changed {key.public_key}",
        f"2025-10-29 12:00:00 suspended {key.app_domain}",
        "2025-10-29 12:00:00 events_pruned",
    ]


@pytest.mark.parametrize("is_key", [True, False])
def test_recorded_rows_cannot_be_deleted(make_key, is_key):
    key = make_key()

    with pytest.raises(RestrictedError):
        (key if is_key else key.app_domain).delete()


@pytest.mark.parametrize("apps", [["host", "tot_jwt"], ["tot_jwt", "host"]])
def test_host_models_may_hold_querysets(tmp_path, apps):
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "__init__.py").touch()
    (tmp_path / "host" / "models.py").write_text(
        "from tot_jwt.models import AppDomain\nDOMAINS = AppDomain.objects.all()\n"
    )
    (tmp_path / "host_settings.py").write_text(
        "INSTALLED_APPS = "
        f"{['django.contrib.auth', 'django.contrib.contenttypes', 'rest_framework', *apps]}\n"
        "SECRET_KEY = 'for-this-test-only-' * 3\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "host_settings", "PYTHONPATH": path}

    command = [sys.executable, "-c", "import django; django.setup()"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr


def test_usage_names_its_key_and_hour():
    assert str(KeyUsage(key_id=7, at=3600)) == "7 3600"
