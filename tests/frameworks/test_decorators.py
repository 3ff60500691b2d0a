"""`require_token` on views of Django."""

from contextlib import contextmanager

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connection
from django.test import Client
from django.utils.decorators import method_decorator
from django.views import View
from django.views.debug import ExceptionReporter

from tests.frameworks import views
from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.support.token_requests import all_kinds, both_ways, seen
from tests.support.uses import counted
from tot_jwt.decorators import require_token
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey

pytestmark = pytest.mark.urls("tests.frameworks.urls")

VIEWS = ["/function", "/async-function", "/class", "/async-class"]


@pytest.fixture
def ask_both(client, async_client):
    """``ask_both("/function", headers={…})``: return the answers by WSGI and by ASGI."""
    return both_ways(client, async_client)


@pytest.fixture
def all_requests(make_key, make_token):
    """Return name → headers of requests that are answered differently."""
    return all_kinds(make_key, make_token)


@pytest.mark.req("C1")
@pytest.mark.parametrize("url", VIEWS)
def test_view_answers_as_rest_framework(all_requests, client, ask_both, url):
    for name, headers in all_requests.items():
        expected = client.get("/reference", headers=headers)
        for answer in ask_both(url, headers=headers):
            assert seen(answer) == seen(expected), name
            assert answer.content == expected.content or name == "good"


def test_requests_cover_all_statuses(all_requests, client):
    answers = [client.get("/function", headers=headers) for headers in all_requests.values()]

    assert [answer.status_code for answer in answers] == [401] * 9 + [403, 403, 400, 200]
    assert [answer.json().get("code") for answer in answers] == [
        *["not_authenticated"] * 2,
        *["token_malformed"] * 2,
        "token_invalid",
        "token_malformed",
        "token_invalid",
        "token_expired",
        "token_revoked",
        "insufficient_permissions",
        "insufficient_scope",
        "malformed_request",
        None,
    ]


@pytest.mark.parametrize("url", VIEWS)
def test_warm_request_costs_no_query(
    make_key, make_token, ask_both, django_assert_num_queries, url
):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    ask_both(url, headers=headers)

    with django_assert_num_queries(0):
        assert [answer.status_code for answer in ask_both(url, headers=headers)] == [200, 200]


@pytest.mark.parametrize("url", VIEWS)
def test_cold_request_works_each_time(make_key, make_token, ask_both, settings, url):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    headers = bearer(make_token(make_key(scopes=["orders:read"])))

    for _ in range(2):
        assert [answer.status_code for answer in ask_both(url, headers=headers)] == [200, 200]


@pytest.mark.req("D2")
@pytest.mark.parametrize("url", VIEWS)
def test_unavailable_database_is_503(make_key, make_token, ask_both, url):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    key_state.reset()

    with database_gone():
        for answer in ask_both(url, headers=headers):
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert answer.headers["Retry-After"] == "5"


@pytest.mark.req("D2")
def test_error_inside_view_is_503(make_key, make_token, ask_both):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    ask_both("/asks-for-more", headers=headers)

    with database_gone():
        for answer in ask_both("/asks-for-more", headers=headers):
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


def test_new_scope_counts_at_once(make_key, make_token, ask_both, django_assert_num_queries):
    key = make_key(scopes=["orders:read", "orders:write"])
    token = bearer(make_token(key))
    ApiKey.objects.filter(pk=key.pk).update(scopes="orders:read")
    key_state.reset()
    assert [answer.json() for answer in ask_both("/asks-for-more", headers=token)] == [
        [False, False],
        [False, False],
    ]
    ApiKey.objects.filter(pk=key.pk).update(scopes="orders:read orders:write")

    with django_assert_num_queries(2):
        answers = ask_both("/asks-for-more", headers=token)

    assert [answer.json() for answer in answers] == [[False, True], [False, True]]


@pytest.mark.django_db(transaction=True)
def test_refused_scope_is_refused_use(make_key, make_token, ask_both):
    key = make_key()
    token = bearer(make_token(key))

    for url in VIEWS:
        assert [answer.status_code for answer in ask_both(url, headers=token)] == [403, 403]

    assert counted(key) == (1, 2 * len(VIEWS))  # the exchange was accepted


@pytest.mark.parametrize("url", VIEWS)
def test_session_and_csrf_play_no_part(make_key, make_token, make_user, url, settings):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    token = bearer(make_token(make_key(scopes=["orders:read"])))
    client = Client(enforce_csrf_checks=True)
    anonymous = client.post(url, headers=token)
    client.force_login(make_user())

    assert (anonymous.status_code, client.post(url, headers=token).status_code) == (200, 200)
    assert client.get(url).status_code == 401


@pytest.mark.parametrize("url", VIEWS)
def test_other_header_makes_responses_private(settings, make_key, make_token, ask_both, url):
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}
    token = make_token(make_key(scopes=["orders:read"]))

    for answer in ask_both(url, headers={"X-Api-Token": f"Bearer {token}"}):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "X-Api-Token" in answer.headers["Vary"]
    for answer in ask_both(url, headers=bearer(token)):
        assert answer.json()["code"] == "not_authenticated"


def test_token_suffices_without_scopes(make_key, make_token, ask_both):
    for answer in ask_both("/any-token", headers=bearer(make_token(make_key()))):
        assert answer.json()["same"] is True


def test_bug_of_view_is_no_answer(make_key, make_token, client):
    with pytest.raises(InvalidValue):
        client.get("/has-a-bug", headers=bearer(make_token(make_key())))


def test_view_must_return_a_response(make_key, make_token, client):
    with pytest.raises(ValueError, match="returned None instead"):
        client.get("/returns-nothing", headers=bearer(make_token(make_key())))


@pytest.mark.parametrize("scopes", ["orders:read", ["orders read"], [""], [None], [["a"]]])
def test_wrong_scopes_are_rejected(scopes):
    with pytest.raises(ImproperlyConfigured, match="Invalid scopes"):
        require_token(scopes=scopes)


def test_scopes_need_their_name():
    with pytest.raises(ImproperlyConfigured, match="scopes="):
        require_token(["orders:read"])


def test_class_needs_method_decorator():
    for decorator in (require_token, require_token(), views.orders_only):
        with pytest.raises(ImproperlyConfigured, match=r"the class View\..* method_decorator"):
            decorator(View)


def test_method_needs_method_decorator(rf):
    class Wrong(View):
        @require_token
        def get(self, request):
            """Do nothing: the decorator rejects what it gets."""

    with pytest.raises(TypeError, match="method_decorator"):
        Wrong.as_view()(rf.get("/"))


def test_method_of_class_can_be_protected(make_key, make_token, rf):
    class Half(View):
        @method_decorator(require_token)
        def get(self, request):
            return views.JsonResponse(views.facts(request))

    headers = bearer(make_token(make_key()))

    assert Half.as_view()(rf.get("/", headers=headers)).status_code == 200
    assert Half.as_view()(rf.get("/")).status_code == 401


def test_decorated_view_keeps_its_name():
    assert views.function.__name__ == "function"
    assert views.Class.as_view().view_class is views.Class


@pytest.mark.req("E6")
@pytest.mark.parametrize("url", VIEWS)
def test_error_report_hides_token(make_key, make_token, ask_both, client, url, rf):
    client.raise_request_exception = False
    token = make_token(make_key(scopes=["orders:read"]))
    request = rf.get(url, headers=bearer(token))
    key_state.reset()

    with broken_database():
        for answer in ask_both(url, headers=bearer(token)):
            reporter = ExceptionReporter(request, *answer.exc_info)
            for report in (reporter.get_traceback_text(), reporter.get_traceback_html()):
                assert "no such table" in report
                assert "verify_token" in report
                assert token.split(".")[1] not in report


@contextmanager
def broken_database():
    """Fail every query with an error that the package does not expect."""

    def fail(*_):
        raise ProgrammingError("no such table")

    with connection.execute_wrapper(fail):
        yield
