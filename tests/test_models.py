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
from tot_jwt.models import ApiKey, AppDomain, KeyEvent


@pytest.mark.req("C4")
@pytest.mark.parametrize("domain", ["Example.com", "ä.example", "example.com\n", ""])
def test_uncanonical_domain_is_not_saved(db, domain):
    with pytest.raises(InvalidValue):
        AppDomain(domain=domain).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppDomain.objects.bulk_create([AppDomain(domain=domain)])


def test_domain_form_names_the_field(db):
    with pytest.raises(ValidationError) as raised:
        AppDomain(domain="a b").full_clean()

    assert "domain" in raised.value.message_dict


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
