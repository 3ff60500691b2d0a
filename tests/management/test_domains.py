"""``create_domain``."""

import pytest
from django.core.management import CommandError

from tot_jwt.models import AppDomain


def test_domain_is_created_and_printed(run_json):
    printed = run_json("create_domain", "MyApp.com", "--name", "My app")

    assert printed.pop("createdAt").endswith("Z")
    assert printed == {"appDomain": "myapp.com", "name": "My app", "suspended": False}
    assert AppDomain.objects.get().domain == "myapp.com"


@pytest.mark.parametrize(
    ("domain", "message"), [("myapp.com", "already exists"), ("a b", "not a valid domain")]
)
def test_invalid_domain_is_an_error(run, make_domain, domain, message):
    make_domain(domain="myapp.com")

    with pytest.raises(CommandError, match=message):
        run("create_domain", domain)
    assert AppDomain.objects.count() == 1
