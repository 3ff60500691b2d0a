"""A process that verifies forged tokens under a SIMPLE_JWT setting.

Usage: ``python -m tests.support.process_simple_jwt SETTING``, a JSON object. It prints the name of
each attempt and the status of the response.
"""

import json
import os
import sys

import django
from django.conf import settings


def main() -> None:
    """Verify one valid token and many that lack something."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "TOT_JWT_TEST_DB": "sqlite"}
    settings.SIMPLE_JWT = json.loads(sys.argv[1])
    settings.ROOT_URLCONF = "tot_jwt.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIGRATION_MODULES = dict.fromkeys(["admin", "auth", "contenttypes", "sessions"])
    quiet = {"level": "ERROR"}
    settings.LOGGING = {"version": 1, "loggers": {"django.request": quiet, "tot_jwt": quiet}}
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from tests.support.tokens import claims_for, sign
    from tot_jwt.keys import create_domain, create_key

    call_command("migrate", run_syncdb=True, verbosity=0)
    key, _ = create_key(create_domain("example.com"), name="A key")
    valid = claims_for(key)
    tokens = {"good": sign(valid)}
    for claim in valid:
        tokens[claim] = sign({name: value for name, value in valid.items() if name != claim})
    tokens["expired"] = sign({**valid, "iat": 1, "exp": 2})
    tokens["type"] = sign({**valid, "token_type": "access"})
    tokens["alg"] = sign(valid, {"alg": "HS512", "typ": "JWT"})
    tokens["audience"] = sign({**valid, "aud": "x"})
    tokens["issuer"] = sign({**valid, "iss": "y"})
    tokens["key"] = sign(valid, key=b"s" * 32)
    for name, token in tokens.items():
        answer = Client().get("/token", headers={"Authorization": f"Bearer {token}"})
        sys.stdout.write(f"{name}:{answer.status_code}\n")


if __name__ == "__main__":
    main()
