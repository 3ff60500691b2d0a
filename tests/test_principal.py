"""ApiClient: what Django and a host's code see as the user."""

import pickle

import pytest
from asgiref.sync import async_to_sync

from tests.support.faults import database_gone
from tot_jwt.access.verification import verify_token
from tot_jwt.exceptions import ServiceUnavailable
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey
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


def test_client_can_be_pickled(make_key, make_token):
    key = make_key(scopes=["a"])
    token = make_token(key)
    for _ in range(2):  # the second time, the client comes from memory
        client, _ = verify_token(token, address="")
        pickled = pickle.loads(pickle.dumps(client))  # noqa: S301 - pickled here
        assert pickled == client
        assert pickled.app_domain_id == key.app_domain_id
        assert pickled.scopes == client.scopes


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


# In an event loop


@pytest.fixture
def cached_client(make_key, make_token):
    """Return a client whose scopes come from the cache, and its key.

    Another process has taken a scope of the token away from the key.
    """
    key = make_key(scopes=["shop.view_order", "blog.add_post"])
    token = make_token(key)
    ApiKey.objects.filter(pk=key.pk).update(scopes="shop.view_order")
    key_state.reset()
    client, _ = verify_token(token, address="")
    client, _ = verify_token(token, address="")
    assert client.confirm is not None
    return client, key


def in_loop(ask):
    """Call a function in a running event loop and return its answer."""

    async def run():
        return ask()

    return async_to_sync(run)()


HELD = {
    "has_scope": "shop.view_order",
    "has_perm": "shop.view_order",
    "has_perms": ["shop.view_order"],
    "has_module_perms": "shop",
}
NOT_HELD = {
    "has_scope": "blog.add_post",
    "has_perm": "blog.add_post",
    "has_perms": ["shop.view_order", "blog.add_post"],
    "has_module_perms": "blog",
}


@pytest.mark.parametrize("name", HELD)
def test_loop_answers_without_query(cached_client, name, django_assert_num_queries):
    client, key = cached_client
    ApiKey.objects.filter(pk=key.pk).update(scopes=key.scopes)

    with django_assert_num_queries(0):
        assert in_loop(lambda: getattr(client, name)(HELD[name])) is True
        assert in_loop(lambda: getattr(client, name)(NOT_HELD[name])) is False
    assert getattr(client, name)(NOT_HELD[name]) is True


@pytest.mark.parametrize("name", HELD)
def test_async_method_confirms_refusal(cached_client, name, django_assert_num_queries):
    client, key = cached_client
    ask = async_to_sync(getattr(client, f"a{name}"))

    with django_assert_num_queries(0):
        assert ask(HELD[name]) is True
    ApiKey.objects.filter(pk=key.pk).update(scopes=key.scopes)
    with django_assert_num_queries(1):
        assert ask(NOT_HELD[name]) is True
    assert in_loop(lambda: getattr(client, name)(NOT_HELD[name])) is True  # remembered


@pytest.mark.parametrize("name", HELD)
def test_async_method_refuses(cached_client, name):
    client, _ = cached_client

    for each in (client, CLIENT):  # the second has nothing to confirm
        assert async_to_sync(getattr(each, f"a{name}"))(NOT_HELD[name]) is False
        assert in_loop(lambda each=each: getattr(each, name)(NOT_HELD[name])) is False


def test_async_permission_for_object_is_denied():
    assert async_to_sync(CLIENT.ahas_perm)("shop.view_order", object()) is False
    assert async_to_sync(CLIENT.ahas_perms)(["shop.view_order"], object()) is False


@pytest.mark.req("D2")
def test_unavailable_database_denies_async_permissions(cached_client):
    client, _ = cached_client

    with database_gone():
        assert async_to_sync(client.ahas_perm)("shop.view_order")
        assert async_to_sync(client.ahas_module_perms)("shop")
        assert not async_to_sync(client.ahas_perm)("blog.add_post")
        assert not async_to_sync(client.ahas_perms)(["blog.add_post"])
        assert not async_to_sync(client.ahas_module_perms)("blog")
        with pytest.raises(ServiceUnavailable):
            async_to_sync(client.ahas_scope)("blog.add_post")
