"""docs/migrating.md, run against the tables of each package: the clients' secrets stay the same."""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from os import environ
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.conf import settings as host_settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.test import APIRequestFactory

from tests.support.documents import blocks, read, section
from tests.support.requests import bearer, key_headers
from tot_jwt.models import ApiKey, AppDomain, KeyStatus

#: ``tox run -e migrating`` sets it: there, no test may be skipped.
REQUIRED = bool(environ.get("TOT_JWT_REQUIRE_MIGRATING"))

pytestmark = [
    pytest.mark.skipif(
        not REQUIRED and host_settings.SETTINGS_MODULE != "tests.migrating.settings",
        reason="needs packages and settings of its own: tox run -e migrating",
    ),
    pytest.mark.django_db(transaction=True),
]

needs_curl = pytest.mark.skipif(not REQUIRED and shutil.which("curl") is None, reason="needs curl")

PAGE = read("docs/migrating.md")
NEXT_YEAR = timezone.now().replace(microsecond=0) + timedelta(days=365)
LAST_YEAR = NEXT_YEAR - timedelta(days=730)


class Client(NamedTuple):
    """What a client has: all that it sends, and the status that its key must have."""

    domain: str
    public_key: str
    secret: str
    status: KeyStatus = KeyStatus.ACTIVE
    expires_at: datetime | None = None


def model(name: str) -> Any:
    """Return a model of a package that only this environment has."""
    return apps.get_model(name)


# Keys, created with each package's own code


def api_key(
    name: str,
    domain: str,
    status: KeyStatus = KeyStatus.ACTIVE,
    *,
    hasher: str = "",
    **fields: Any,
) -> Client:
    """Create a key of djangorestframework-api-key, with the hash of its old versions if told."""
    row, secret = model("rest_framework_api_key.APIKey").objects.create_key(name=name, **fields)
    if hasher:
        row.hashed_key = make_password(secret, hasher=hasher)
        row.save()
    return Client(domain, row.prefix, secret, status, fields.get("expiry_date"))


def api_keys(make_user: Any) -> list[Client]:
    return [
        api_key("Acme Ltd.", "acme-ltd.example.com"),
        api_key("Acme Ltd.", "acme-ltd.example.com", KeyStatus.REVOKED, revoked=True),
        api_key("Later", "later.example.com", expiry_date=NEXT_YEAR),
        api_key("Over", "over.example.com", KeyStatus.EXPIRED, expiry_date=LAST_YEAR),
        api_key("Old", "old.example.com", hasher="pbkdf2_sha256"),
        api_key("Older", "older.example.com", hasher="bcrypt_sha256"),
        api_key("Oldest", "oldest.example.com", hasher="argon2"),
    ]


def application(secret: str, **fields: Any) -> Any:
    """Create a machine of django-oauth-toolkit."""
    return model("oauth2_provider.Application").objects.create(
        **{
            "client_type": "confidential",
            "authorization_grant_type": "client-credentials",
            "client_secret": secret,
            **fields,
        }
    )


def applications(make_user: Any) -> list[Client]:
    user = make_user()
    generate = import_string("oauth2_provider.generators.generate_client_secret")
    secrets = [generate() for _ in range(5)]
    owned, clear, alone = [
        application(secrets[0], user=user, name="Nightly export"),
        application(secrets[1], user=user, hash_client_secret=False),
        application(secrets[2], name="n" * 255),
    ]
    application(secrets[3], authorization_grant_type="authorization-code")
    application(secrets[4], client_type="public")
    assert clear.client_secret == secrets[1] != owned.client_secret
    return [
        Client(f"user-{user.pk}.example.com", owned.client_id, secrets[0]),
        Client(f"user-{user.pk}.example.com", clear.client_id, secrets[1]),
        Client(f"app-{alone.pk}.example.com", alone.client_id, secrets[2]),
    ]


def knox_tokens(make_user: Any) -> list[Client]:
    create = model("knox.AuthToken").objects.create
    cases = [
        (make_user(), NEXT_YEAR, KeyStatus.ACTIVE),
        (make_user(), LAST_YEAR, KeyStatus.EXPIRED),
        (make_user(), None, KeyStatus.ACTIVE),
        (make_user(is_active=False), None, KeyStatus.DISABLED),
    ]
    clients = []
    for user, expiry, status in cases:
        row, secret = create(user=user, expiry=None)
        row.expiry = expiry
        row.save()
        domain = f"user-{user.pk}.example.com"
        clients.append(Client(domain, secret[:15], secret, status, expiry))
    return clients


def drf_tokens(make_user: Any) -> list[Client]:
    users = [make_user(), make_user(), make_user(is_active=False)]
    statuses = [KeyStatus.ACTIVE, KeyStatus.ACTIVE, KeyStatus.DISABLED]
    secrets = [model("authtoken.Token").objects.create(user=user).key for user in users]
    return [
        Client(f"user-{user.pk}.example.com", secret[:8], secret, status)
        for user, secret, status in zip(users, secrets, statuses, strict=True)
    ]


def partner_key(number: int, status: KeyStatus = KeyStatus.ACTIVE, **fields: Any) -> Client:
    """Create a key of the host's own table."""
    secret = f"the secret of partner number {number}"
    row = model("partners.PartnerKey").objects.create(
        partner=f"partner-{number}",
        purpose="orders",
        key_id=f"P{number}",
        secret_digest=hashlib.sha256(secret.encode()).hexdigest(),
        **fields,
    )
    return Client(f"{row.partner}.example.com", row.key_id, secret, status)


def partner_keys(make_user: Any) -> list[Client]:
    first = partner_key(1, last_day=date(2090, 12, 31), networks=["127.0.0.0/8", "::1"])
    return [
        first._replace(expires_at=datetime(2090, 12, 31, 23, 59, 59, tzinfo=UTC)),
        partner_key(2, KeyStatus.DISABLED, is_active=False),
        partner_key(3),
    ]


SECTIONS = {
    "djangorestframework-api-key": api_keys,
    "django-oauth-toolkit": applications,
    "django-rest-knox": knox_tokens,
    "Django REST framework's Token": drf_tokens,
    "A table of your own": partner_keys,
}


# The steps of the page


@pytest.fixture
def run_script(tmp_path, monkeypatch):
    """``run_script("django-rest-knox")``: write keys.csv with the script of that section."""
    partners = sys.modules.get("tests.migrating.models")
    monkeypatch.setitem(sys.modules, "partners", partners)
    monkeypatch.setitem(sys.modules, "partners.models", partners)
    monkeypatch.chdir(tmp_path)

    def run_script(title):
        (script,) = blocks(section(PAGE, title), "python")
        call_command("shell", command=script, verbosity=0)

    return run_script


@pytest.fixture
def steps():
    """Return the commands of the steps: export, import, and the check of one key."""
    text = section(PAGE, "The steps").replace("\n   ", "\n")
    return blocks(text, "sh")


@pytest.fixture
def import_file(steps, capsys):
    """Return a function that runs the page's import command with more options."""

    def import_file(*options):
        python, manage, *arguments = shlex.split(steps[1])
        assert (python, manage) == ("python", "manage.py")
        call_command(*arguments, "--json", *options)
        return json.loads(capsys.readouterr().out)

    return import_file


@pytest.fixture
def check_key(steps, live_server):
    """Return a function that runs the page's curl line for a client: the status and the answer."""

    def check_key(client):
        command = steps[2].replace("http://127.0.0.1:8000", live_server.url)
        command = command.replace("DOMAIN", client.domain).replace("PUBLIC", client.public_key)
        command = command.replace("SECRET", client.secret)
        command = command.rstrip() + " -w '\\n%{http_code}'"
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, check=True, text=True, timeout=60
        )
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(answer)

    return check_key


@needs_curl
@pytest.mark.parametrize(("title", "make_clients"), SECTIONS.items(), ids=SECTIONS)
def test_real_secrets_work_after_import(
    make_user, run_script, import_file, check_key, title, make_clients
):
    clients = make_clients(make_user)

    run_script(title)
    report = import_file()

    assert (report["imported"], report["badRows"]) == (len(clients), [])
    assert AppDomain.objects.count() == len({client.domain for client in clients})
    for client in clients:
        key = ApiKey.objects.get(public_key=client.public_key)
        assert (key.app_domain.domain, key.status) == (client.domain, client.status)
        assert key.expires_at == client.expires_at
        status, answer = check_key(client)
        assert (status, "token" in answer) == ((200, True) if key.is_usable else (401, False))
        assert check_key(client._replace(secret=client.secret + "x"))[0] == 401
    ids = ApiKey.objects.values_list("public_key", flat=True)
    assert set(ids) == {client.public_key for client in clients}


@pytest.mark.parametrize(("title", "make_clients"), SECTIONS.items(), ids=SECTIONS)
def test_second_import_adds_new_keys(make_user, run_script, import_file, title, make_clients):
    clients = make_clients(make_user)
    run_script(title)
    import_file()
    if title == "A table of your own":
        more = [partner_key(number) for number in (11, 12)]
    else:
        more = make_clients(make_user)

    run_script(title)
    report = import_file("--skip-bad")

    assert (report["imported"], len(report["badRows"])) == (len(more), len(clients))


def test_partner_settings_are_imported(make_user, run_script, import_file):
    partner_keys(make_user)

    run_script("A table of your own")
    import_file()

    first = ApiKey.objects.get(public_key="P1")
    assert (first.name, first.allowed_ips) == ("partner-1 orders", "127.0.0.0/8 ::1/128")


def bcrypt_hash(secret: str) -> str:
    """Return what the library bcrypt makes of a secret."""
    salt = import_string("bcrypt.gensalt")(4)
    return str(import_string("bcrypt.hashpw")(secret.encode(), salt).decode())


def argon2_hash(secret: str, **options: int) -> str:
    """Return what the library argon2-cffi makes of a secret."""
    return str(import_string("argon2.PasswordHasher")(time_cost=1, **options).hash(secret))


@needs_curl
@pytest.mark.parametrize(
    ("make_hash", "start"),
    [
        (bcrypt_hash, "bcrypt$"),
        (argon2_hash, "argon2"),
        (lambda secret: argon2_hash(secret, hash_len=16), "argon2"),
        (lambda secret: hashlib.sha256(secret.encode()).hexdigest(), "sha256$"),
        (lambda secret: hashlib.sha512(secret.encode()).hexdigest().upper(), "sha512$$"),
    ],
    ids=["bcrypt", "argon2", "argon2 of old versions", "sha256", "sha512"],
)
def test_table_says_how_hashes_begin(
    tmp_path, import_file, check_key, monkeypatch, make_hash, start
):
    client = Client("a.example", "old", "the secret of the oldest partner")
    row = f'{client.domain},{client.public_key},"{start}{make_hash(client.secret)}"'
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.csv").write_text(f"domain,public,secret_hash\n{row}\n", "utf-8")

    assert f"| `{start}` and the " in PAGE
    assert import_file()["imported"] == 1
    assert check_key(client._replace(secret="another secret of the partner"))[0] == 401
    assert check_key(client)[0] == 200


# Both ways at the same time


@pytest.fixture
def views() -> dict[str, Any]:
    """Return the views of the page."""
    names: dict[str, Any] = {"__name__": "views"}
    for block in blocks(section(PAGE, "Switch over"), "python"):
        exec(compile(block, "docs/migrating.md", "exec"), names)  # noqa: S102 - our own text
    return names


def get(view, headers):
    """Return the answer of a view."""
    return view.as_view()(APIRequestFactory().get("/", headers=headers))


def test_view_admits_old_and_new(views, make_user, make_key, make_token):
    user, key = make_user(), make_key()
    token = model("authtoken.Token").objects.create(user=user)
    cases = [
        ({"Authorization": f"Token {token.key}"}, str(user)),
        (bearer(make_token(key)), key.public_key),
        (key_headers(key), key.public_key),
    ]

    for headers, name in cases:
        answer = get(views["Report"], headers)
        assert (answer.status_code, name in answer.data["client"]) == (200, True)
    assert get(views["Report"], {}).status_code == 401


@pytest.mark.parametrize(
    ("path", "make_headers"),
    [
        (
            "knox.auth.TokenAuthentication",
            lambda user: f"Token {model('knox.AuthToken').objects.create(user=user)[1]}",
        ),
        (
            "oauth2_provider.contrib.rest_framework.OAuth2Authentication",
            lambda user: f"Bearer {access_token(user)}",
        ),
    ],
    ids=["knox", "oauth"],
)
def test_other_classes_fit_the_view(views, make_user, make_key, make_token, path, make_headers):
    class OtherReport(views["Report"]):
        authentication_classes = [
            *views["Report"].authentication_classes[:2],
            import_string(path),
        ]

    user, key = make_user(), make_key()

    answers = [
        get(OtherReport, headers)
        for headers in (
            {"Authorization": make_headers(user)},
            bearer(make_token(key)),
            key_headers(key),
        )
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].data["client"] == str(user)
    assert get(OtherReport, {"Authorization": "Bearer x"}).status_code == 401


def access_token(user: Any) -> str:
    """Return an access token of django-oauth-toolkit."""
    row = model("oauth2_provider.AccessToken").objects.create(
        user=user,
        token="an-opaque-token-of-the-old-kind",
        expires=timezone.now() + timedelta(hours=1),
        application=application("x" * 40, user=user),
    )
    return str(row.token)


def test_permission_admits_old_and_new(views, make_key, make_token):
    _, secret = model("rest_framework_api_key.APIKey").objects.create_key(name="Acme")
    key, other = make_key(scopes=["reports:read"]), make_key(scopes=["orders:read"])

    cases = [
        ({"Authorization": f"Api-Key {secret}"}, 200),
        (bearer(make_token(key)), 200),
        (key_headers(key), 200),
        (bearer(make_token(other)), 403),
        ({"Authorization": f"Api-Key {secret}x"}, 401),
    ]
    for headers, status in cases:
        assert get(views["PartnerReport"], headers).status_code == status
