"""Run by test_tokens: what our endpoint answers under the SIMPLE_JWT given as the argument, one word for each try."""

import json
import os
import sys

import django
from django.conf import settings


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "TOT_JWT_TEST_DB": "sqlite"}
    settings.SIMPLE_JWT = json.loads(sys.argv[1])
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.LOGGING = {"version": 1, "loggers": {"django.request": {"level": "ERROR"}}}
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from tests.support.factories import ApiKeyFactory
    from tests.support.tokens import claims_for, sign

    call_command("migrate", verbosity=0)
    key = ApiKeyFactory()
    good = claims_for(key)
    tries = {"good": sign(good)}
    for claim in good:
        tries[claim] = sign({name: value for name, value in good.items() if name != claim})
    tries["expired"] = sign({**good, "iat": 1, "exp": 2})
    tries["type"] = sign({**good, "token_type": "access"})
    tries["alg"] = sign(good, {"alg": "HS512", "typ": "JWT"})
    tries["audience"] = sign({**good, "aud": "x"})
    tries["issuer"] = sign({**good, "iss": "y"})
    tries["key"] = sign(good, key=b"s" * 32)
    for name, token in tries.items():
        answer = Client().get(
            "/api/internal/auth/token", headers={"Authorization": f"Bearer {token}"}
        )
        sys.stdout.write(f"{name}:{answer.status_code}\n")


if __name__ == "__main__":
    main()
