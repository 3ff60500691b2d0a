"""How often a key was used: the chart and the table on the key's page."""

import re

import pytest
from django.utils import translation

from tests.support.admin import ADD_KEY, INLINE, change_url, text, words
from tests.support.times import NOON
from tot_jwt.models import KeyUsage

HOUR = 3600
DAY = 24 * HOUR
#: NumericDate of 2025-10-29T00:00:00Z, the day of `pass_time`.
TODAY = int(NOON.timestamp()) // DAY * DAY
EMPTY = "There were no requests with this key in the last 30 days."
PENDING = "Each process writes its counts once a minute, so the latest requests may be missing."


def use(key, at, accepted=0, refused=0):
    KeyUsage.objects.create(key=key, at=at, accepted=accepted, refused=refused)


def chart(page):
    """Return the chart of the page."""
    return re.search(r'<svg class="tot-bars".*?</svg>', page, re.DOTALL)[0]


def parts(page, kind):
    """Return left edge, top and height of each accepted or refused part of the bars."""
    pattern = (
        rf'<rect class="tot-{kind}" x="([\d.]+)%" y="([\d.]+)" width="[\d.]+%" height="([\d.]+)"'
    )
    return [tuple(map(float, found)) for found in re.findall(pattern, chart(page))]


def rows(page):
    """Return the rows of the table of numbers."""
    body = page.partition('<table class="tot-numbers">')[2].partition("</table>")[0]
    return [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in body.split("<tr>")[1:]]


def scale(page):
    """Return the numbers beside the chart."""
    return re.findall(r"<span>(\d+)</span>", page.partition('class="tot-scale"')[2][:200])


def test_page_shows_last_thirty_days(pass_time, superuser, client, make_key):
    key, other = make_key(), make_key()
    use(key, TODAY - 29 * DAY, accepted=30)
    use(key, TODAY - DAY, refused=7)
    use(key, TODAY - HOUR, accepted=1)
    use(key, TODAY, accepted=10, refused=2)
    use(key, TODAY + 12 * HOUR, accepted=20)
    use(key, TODAY - 30 * DAY, accepted=1000)
    use(other, TODAY, accepted=1000)

    page = text(client.get(change_url(key)))

    assert rows(page) == [
        ["Day", "Accepted", "Refused"],
        ["September 30", "30", "0"],
        ["October 28", "1", "7"],
        ["October 29", "30", "2"],
    ]
    assert "Accepted: <strong>61</strong>" in page
    assert "Refused: <strong>9</strong>" in page
    assert PENDING in page
    assert EMPTY not in page


def test_bars_are_stacked_to_scale(pass_time, superuser, client, make_key):
    key = make_key()
    use(key, TODAY - 29 * DAY, accepted=30)
    use(key, TODAY, accepted=20, refused=10)

    page = text(client.get(change_url(key)))

    # 120 pixels are 40 requests, and end 128 pixels below the top of the chart.
    assert scale(page) == ["40", "20", "0"]
    first, last = parts(page, "accepted")
    assert (first[1:], last[1:]) == ((38, 90), (68, 60))
    ((left, *refused),) = parts(page, "refused")
    assert refused == [38, 30]
    assert 0 < first[0] < 100 / 30 * 29 < last[0] == left < 100


@pytest.mark.parametrize(
    ("most", "top"),
    [(1, 2), (2, 2), (3, 4), (7, 8), (9, 10), (10, 20), (99, 100), (101, 200), (4321, 6000)],
)
def test_scale_ends_at_round_number(most, top, pass_time, superuser, client, make_key):
    key = make_key()
    use(key, TODAY, accepted=most)

    assert scale(text(client.get(change_url(key)))) == [str(top), str(top // 2), "0"]


def test_rare_refusal_stays_visible(pass_time, superuser, client, make_key):
    key = make_key()
    use(key, TODAY, accepted=1_999_999, refused=1)

    page = text(client.get(change_url(key)))

    (accepted,), (refused,) = parts(page, "accepted"), parts(page, "refused")
    assert accepted[1:] == (8, 120)
    assert refused[1:] == (5, 3)


def test_unused_key_has_no_chart(superuser, client, make_key):
    page = text(client.get(change_url(make_key())))

    assert EMPTY in page
    assert PENDING in page
    assert "tot-bars" not in page
    assert "tot-numbers" not in page


def test_screen_reader_gets_words_and_table(pass_time, superuser, client, make_key):
    key = make_key()
    use(key, TODAY, accepted=12, refused=1)

    page = text(client.get(change_url(key)))

    svg = chart(page)
    assert 'role="img" aria-labelledby="tot-usage-title tot-usage-text"' in svg
    assert '<title id="tot-usage-title">Requests by day</title>' in svg
    assert (
        '<desc id="tot-usage-text">From Sept. 30, 2025 to Oct. 29, 2025: accepted 12, refused 1. '
    ) in svg
    assert "<title>October 29: accepted 12, refused 1</title>" in svg
    assert '<th scope="row">October 29</th><td>12</td><td>1</td>' in page
    assert not INLINE.search(svg)


def test_numbers_follow_language(pass_time, superuser, client, make_key, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "pt"
    key = make_key()
    use(key, TODAY, accepted=1234, refused=5678)

    with translation.override("pt"):
        page = text(client.get(change_url(key)))

    assert rows(page)[1] == ["29 de Outubro", "1.234", "5.678"]
    assert parts(page, "accepted") == [(97.083, 109.5, 18.5)]
    assert "," not in "".join(re.findall(r'(?:x|y|width|height)="([^"]*)"', chart(page)))


def test_viewer_sees_usage_unlike_add_page(pass_time, log_in, client, make_key):
    key = make_key()
    use(key, TODAY, accepted=4321)

    log_in("view_apikey")
    assert "4321" in text(client.get(change_url(key)))
    log_in("add_apikey", "view_appdomain")
    assert client.get(change_url(key)).status_code == 403
    assert "Usage" not in words(client.get(ADD_KEY))


def test_revoked_key_keeps_its_chart(pass_time, superuser, client, make_key):
    key = make_key(revoked_at=NOON)
    use(key, TODAY, accepted=4321)

    assert "tot-bars" in text(client.get(change_url(key)))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_days_are_in_utc(zone, pass_time, superuser, client, make_key, settings):
    settings.TIME_ZONE = zone
    key = make_key()
    use(key, TODAY, accepted=1)
    use(key, TODAY - HOUR, accepted=2)

    page = text(client.get(change_url(key)))

    assert rows(page)[1:] == [["October 28", "2", "0"], ["October 29", "1", "0"]]


def test_usage_costs_one_query(pass_time, superuser, client, make_key, django_assert_num_queries):
    key = make_key()
    for number in range(48):
        use(key, TODAY - number * HOUR, accepted=1)

    # Session, user, key, app domain, created keys, usage.
    with django_assert_num_queries(6):
        page = text(client.get(change_url(key)))
    assert len(parts(page, "accepted")) == 3


def test_counts_of_process_show_at_once(
    pass_time, transactional_db, make_key, make_token, client, log_in
):
    key = make_key()
    make_token(key)
    log_in("view_apikey")

    page = text(client.get(change_url(key)))

    assert rows(page)[1] == ["October 29", "1", "0"]
