"""ApiClient: what Django and a host's code see as the user."""

import copy
import pickle

import pytest

from tests.support.faults import database_gone
from tot_jwt.access.verification import verify_token
from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.principal import ApiClient

CLIENT = ApiClient("pk_x", "myapp.com", 7, "live", frozenset({"shop.view_order"}))


def test_client_looks_like_a_user():
    assert CLIENT.id == CLIENT.pk == str(CLIENT) == "pk_x"
    assert CLIENT.is_authenticated is CLIENT.is_active is True
    assert CLIENT.is_anonymous is CLIENT.is_staff is CLIENT.is_superuser is False
    assert CLIENT.get_username() == "pk_x"


def test_scopes_of_client_are_permissions():
    assert CLIENT.has_scope("shop.view_order")
    assert CLIENT.has_perm("shop.view_order")
    assert not CLIENT.has_perm("shop.view_order", object())
    assert CLIENT.has_perms(["shop.view_order"])
    assert not CLIENT.has_perms(["shop.view_order", "shop.add_order"])
    assert CLIENT.has_module_perms("shop")
    assert not CLIENT.has_module_perms("sho")


@pytest.mark.parametrize("misspelt", ["is_superuse", "username", "email"])
def test_unknown_attribute_of_client_raises(misspelt):
    with pytest.raises(AttributeError):
        getattr(CLIENT, misspelt)


def test_client_cannot_be_changed():
    with pytest.raises(AttributeError):
        CLIENT.scopes = frozenset()


def test_client_can_be_pickled_and_copied(make_key, make_token):
    token = make_token(make_key(scopes=["a"]))
    for _ in range(2):  # the second time, the client comes from memory
        client, _ = verify_token(token, address="")
        pickled = pickle.loads(pickle.dumps(client))  # noqa: S301 - pickled here
        assert pickled == client == copy.deepcopy(client)


def test_cached_client_confirms_refusals_once(make_key, make_token, django_assert_num_queries):
    token = make_token(make_key(scopes=["a"]))
    client, _ = verify_token(token, address="")

    with django_assert_num_queries(0):
        assert client.has_scope("a")
    with django_assert_num_queries(1):
        assert not client.has_scope("b")
        assert not client.has_scope("c")


@pytest.mark.req("D2")
def test_unavailable_database_denies_uncached_permissions(make_key, make_token):
    client, _ = verify_token(make_token(make_key(scopes=["shop.view_order"])), address="")

    with database_gone():
        assert client.has_perm("shop.view_order")
        assert client.has_module_perms("shop")
        assert not client.has_perm("shop.add_order")
        assert not client.has_module_perms("blog")
        with pytest.raises(ServiceUnavailable):
            client.has_scope("shop.add_order")
