"""Opens and clicks through gate, memory and a real engine to the guarded views."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from anonymizer.hits import Door, LocalSeconds, Mail, RawHit, SiteId
from anonymizer.policy import ConsentMode, Policy
from collector.clock import DAY_SECONDS
from collector.counted import COUNTED, CountedHit
from collector.email.counting import count_delivered, count_unsubscribed
from collector.email.registry import Campaign
from collector.pipeline import Pipeline
from collector.plan import is_mail, make_plan
from collector.reference import load_agents, load_tables
from collector.retention.job import run_retention
from collector.schema.tables import DATABASE
from tests.collector.hits import SITE, FillInTurn, make_policy
from tests.collector.storing import Kept, opened

ONE = make_policy()
FIVE = make_policy(min_group=5)
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Berlin
LOCAL_DAY = LocalSeconds(int(datetime(2026, 3, 10, tzinfo=UTC).timestamp()))
SPRING = Campaign("spring", "", SITE)
SPRING_B = Campaign("spring", "B", SITE)
AUTUMN = Campaign("autumn", "", SITE)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
ROWS = "SELECT campaign, variant, mail_kind, visitors, opens, clicks FROM email ORDER BY ALL"
LINKS = "SELECT campaign, link, visitors, clicks FROM email_links ORDER BY ALL"


class Line:
    """Hits at the e-mail door, by a pipeline of its own."""

    def __init__(self, policy: Policy) -> None:
        self.plan = make_plan(policy)
        self.pipeline = Pipeline(policy, self.plan, load_agents(), load_tables(), FillInTurn())

    def take(
        self,
        link: str = "",
        *,
        who: int = 1,
        time: int = NOON,
        agent: str = FIREFOX,
        campaign: Campaign = SPRING,
        head: bool = False,
        recipient: bool = False,
        first: bool = False,
        **told: tuple[str, ...],
    ) -> list[CountedHit]:
        mail = Mail(campaign.name, campaign.variant, link, head, recipient, first)
        raw = RawHit(
            door=Door.EMAIL,
            site=SiteId(campaign.site),
            time=time,
            raw_address=f"192.0.2.{who}",
            raw_agent=agent,
            raw_url="/",
            mail=mail,
        )
        return self.pipeline.take([replace(raw, **told)])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with opened(tmp_path_factory.mktemp("email"), ONE) as kept:
        yield kept


def emptied(store: Kept, policy: Policy) -> Kept:
    store.store._client.command(f"TRUNCATE TABLE {DATABASE}.cells")
    if store.policy is not policy:
        store.policy = policy
        store.apply()
    return store


@pytest.fixture
def one(store: Kept) -> Kept:
    """Return the store, emptied, under a policy that shows groups of one."""
    return emptied(store, ONE)


@pytest.fixture
def five(store: Kept) -> Kept:
    """Return the store, emptied, under a policy that shows groups of five."""
    return emptied(store, FIVE)


@pytest.fixture
def line() -> Line:
    return Line(ONE)


def delivered(line: Line, number: int, campaign: Campaign = SPRING) -> list[CountedHit]:
    return [count_delivered(line.plan, campaign, number, LOCAL_DAY)]


def opens_of(line: Line, people: int, campaign: Campaign = SPRING) -> list[CountedHit]:
    return [row for who in range(people) for row in line.take(who=who, campaign=campaign)]


def test_opens_and_clicks_count_by_campaign_variant_and_kind(one: Kept, line: Line) -> None:
    one.count(
        line.take(),
        line.take(time=NOON + 600),
        line.take("1", time=NOON + 900),
        line.take(who=2, campaign=SPRING_B),
        line.take(who=3, agent=GMAIL),
        line.take(who=4, agent="Mozilla/5.0"),
        line.take("1", who=5, head=True),
        line.take("2", who=6, prefetch=("prefetch",)),
        delivered(line, 200),
    )

    assert (
        one.table(ROWS)
        == """\
campaign  variant  mail_kind      visitors  opens  clicks
spring             (delivered)    0         0      0
spring             apple_privacy  1         1      0
spring             gmail_proxy    1         1      0
spring             person         1         2      1
spring             prefetch       1         0      1
spring             scanner        1         0      1
spring    B        person         1         1      0"""
    )
    assert (
        one.table(LINKS)
        == """\
campaign  link  visitors  clicks
spring    1     1         1"""
    )
    assert one.value("SELECT sum(delivered) FROM email") == "200"
    assert (
        one.table("SELECT * EXCEPT (site, day) FROM email_delivered")
        == """\
campaign  variant  delivered
spring             200"""
    )


def test_mail_is_no_visit_and_no_view(one: Kept, line: Line) -> None:
    one.count(line.take(), line.take("1", time=NOON + 60), delivered(line, 9))

    statistics = one.value(
        f"SELECT arrayStringConcat(arraySort(groupUniqArray(splitByChar('(', statistic)[1])), ' ')"
        f" FROM {DATABASE}.cells WHERE statistic != '(batch)'"
    )
    assert statistics.split() == ["coverage", "email", "email_delivered", "email_links"]
    assert (
        one.table("SELECT * EXCEPT (site, day) FROM coverage")
        == """\
door   reason   hits
email  counted  2"""
    )


def test_no_row_of_mail_is_without_a_number(one: Kept, line: Line) -> None:
    one.count(line.take(), line.take("1"), line.take("2"), delivered(line, 9))

    measures = ("visitors", "visits", "views", "bounces", "seconds", "hits")
    empty = " AND ".join(f"{measure} = 0" for measure in measures)
    assert one.value(f"SELECT count() FROM {DATABASE}.cells FINAL WHERE {empty}") == "0"


@pytest.mark.parametrize(
    ("steps", "person", "scanner"),
    [
        pytest.param([(0, "1"), (0, "2")], (0, 0), (0, 2), id="two links at once"),
        pytest.param([(0, ""), (1, "1"), (1, "2")], (0, 0), (1, 2), id="the picture with them"),
        pytest.param([(0, "1"), (1, "2"), (60, "3")], (0, 0), (0, 3), id="goes on slowly"),
        pytest.param([(0, ""), (60, "1"), (61, "2")], (1, 0), (0, 2), id="opened long before"),
        pytest.param([(0, "1"), (1, "1")], (0, 2), None, id="one link twice"),
        pytest.param([(0, "1"), (2, "2")], (0, 2), None, id="two links, two seconds apart"),
        pytest.param([(0, ""), (0, "1")], (1, 1), None, id="picture and one link"),
    ],
)
def test_who_follows_links_faster_than_a_person_is_a_scanner(
    one: Kept,
    line: Line,
    steps: list[tuple[int, str]],
    person: tuple[int, int],
    scanner: tuple[int, int] | None,
) -> None:
    one.count(*(line.take(link, time=NOON + after) for after, link in steps))

    wanted = []
    if any(person):
        wanted.append(f"person\t1\t{person[0]}\t{person[1]}")
    if scanner:
        wanted.append(f"scanner\t1\t{scanner[0]}\t{scanner[1]}")
    found = one.value("SELECT mail_kind, visitors, opens, clicks FROM email ORDER BY ALL")
    assert found.splitlines() == wanted
    clicks = one.value("SELECT sum(clicks) FROM email_links")
    assert clicks == str(person[1])
    assert one.value("SELECT sum(hits) FROM coverage") == str(len(steps))


def test_links_of_other_campaigns_and_visitors_make_no_scanner(one: Kept, line: Line) -> None:
    one.count(
        line.take("1"),
        line.take("2", campaign=AUTUMN),
        line.take("2", who=2),
        line.take("3", who=3, agent="curl/8.5.0"),
    )

    assert (
        one.table("SELECT campaign, mail_kind, clicks FROM email ORDER BY ALL")
        == """\
campaign  mail_kind  clicks
autumn    person     1
spring    person     2
spring    scanner    1"""
    )


def test_unique_opens_count_beside_opens_and_not_for_scanners(one: Kept, line: Line) -> None:
    one.count(
        line.take(recipient=True, first=True),
        line.take(recipient=True, time=NOON + 600),
        line.take(who=2, recipient=True, first=True),
        line.take("1", who=2, recipient=True),
        line.take("2", who=2, recipient=True, time=NOON + 1),
    )

    answer = one.table("SELECT mail_kind, opens, unique_opens FROM email ORDER BY ALL")
    assert (
        answer
        == """\
mail_kind  opens  unique_opens
person     2      1
scanner    1      0"""
    )


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param({}, "no_consent", id="nothing"),
        pytest.param({"recipient": True}, COUNTED, id="consent of a recipient"),
        pytest.param({"recipient": True, "gpc": ("1",)}, "opted_out_gpc", id="GPC beside it"),
        pytest.param({"recipient": True, "dnt": ("1",)}, "opted_out_dnt", id="DNT beside it"),
    ],
)
def test_site_that_asks_first_counts_mail_by(told: dict[str, Any], reason: str) -> None:
    site = replace(ONE.sites[SITE], consent=ConsentMode.OPT_IN)
    (row,) = Line(replace(ONE, sites={SITE: site})).take(**told)

    assert (row.door, row.reason) == ("email", reason)
    assert bool(row.views) == (reason == COUNTED)


def test_row_tells_nothing_that_no_statistic_asks_for() -> None:
    statistics = tuple(each for each in ONE.statistics if not is_mail(each))
    (row,) = Line(replace(ONE, statistics=statistics)).take("1")
    (asked,) = Line(ONE).take("1")

    assert (row.reason, row.hits, row.firsts) == (COUNTED, 1, 0)
    assert (row.campaign, row.property, row.subject, row.value) == ("", "", "", "")
    assert (asked.campaign, asked.subject, asked.value) == ("spring", "person", "1")


def test_late_open_counts_on_its_own_day(one: Kept, line: Line) -> None:
    one.count(line.take(), line.take(time=NOON + 3 * DAY_SECONDS))

    assert (
        one.table("SELECT day, visitors, opens FROM email ORDER BY day")
        == """\
day         visitors  opens
2026-03-10  1         1
2026-03-13  1         1"""
    )


def test_memory_of_a_day_is_gone_after_it(line: Line) -> None:
    line.take()
    mail = line.pipeline._lines[""].mail
    assert len(mail) == 1

    line.pipeline.forget_ended_days(NOON + DAY_SECONDS)
    assert len(mail) == 0


def test_unsubscribed_recipients_are_a_group_of_their_own(one: Kept, line: Line) -> None:
    one.count(
        line.take(),
        [count_unsubscribed(line.plan, SPRING, LOCAL_DAY) for _ in range(2)],
    )

    table = one.table("SELECT mail_kind, visitors, opens, unsubscribed FROM email ORDER BY ALL")
    assert (
        table
        == """\
mail_kind       visitors  opens  unsubscribed
(unsubscribed)  2         0      2
person          1         1      0"""
    )
    assert one.value("SELECT count() FROM coverage") == "1"


def test_few_openers_of_many_recipients_stand_under_other(five: Kept, line: Line) -> None:
    five.count(opens_of(line, 2), delivered(line, 100))

    assert (
        five.table(ROWS)
        == """\
campaign  variant  mail_kind    visitors  opens  clicks
(other)   (other)  (other)      2         2      0
spring             (delivered)  0         0      0"""
    )


def test_enough_openers_of_enough_recipients_are_shown(five: Kept, line: Line) -> None:
    five.count(opens_of(line, 5), delivered(line, 5))

    assert (
        five.table(ROWS)
        == """\
campaign  variant  mail_kind    visitors  opens  clicks
spring             (delivered)  0         0      0
spring             person       5         5      0"""
    )


@pytest.mark.parametrize(
    "sent", [pytest.param([], id="not told"), pytest.param([2, 2], id="to four people")]
)
def test_campaign_that_went_to_few_shows_nothing_of_its_opens(
    five: Kept, line: Line, sent: list[int]
) -> None:
    """However many machines the few look from."""
    clicks = [line.take("1", who=who, time=NOON + 99) for who in range(20)]
    told = [delivered(line, number) for number in sent]
    five.count(opens_of(line, 20), *clicks, *told)

    assert five.value("SELECT count() FROM email") == "0"
    assert five.value("SELECT count() FROM email_links") == "0"
    assert five.value("SELECT sum(delivered) FROM email_delivered") == str(sum(sent))

    five.count(delivered(line, 5))  # the look-alike: once it is told, all of it is shown
    assert five.value("SELECT sum(opens), sum(clicks) FROM email") == "20\t20"
    assert five.value("SELECT sum(clicks) FROM email_links WHERE link = '1'") == "20"


def test_delivery_told_on_another_day_counts_for_each(five: Kept, line: Line) -> None:
    later = LocalSeconds(LOCAL_DAY + 40 * DAY_SECONDS)
    five.count(opens_of(line, 6), [count_delivered(line.plan, SPRING, 900, later)])

    assert five.value("SELECT sum(opens) FROM email WHERE day = '2026-03-10'") == "6"
    assert five.value("SELECT sum(opens) FROM email WHERE month = '2026-03-01'") == "6"


def test_variant_that_went_to_few_is_not_shown_beside_one_that_went_to_many(
    five: Kept, line: Line
) -> None:
    five.count(
        opens_of(line, 6),
        opens_of(line, 6, SPRING_B),
        delivered(line, 900),
        delivered(line, 3, SPRING_B),
    )

    assert five.value("SELECT DISTINCT variant FROM email") == ""
    assert five.value("SELECT sum(opens) FROM email") == "6"


def test_delivery_alone_lifts_no_cell_over_the_size(five: Kept, line: Line) -> None:
    five.count(opens_of(line, 4), delivered(line, 10**6))

    named = five.value("SELECT mail_kind FROM email WHERE campaign = 'spring'")
    assert named == "(delivered)"


@pytest.mark.parametrize(
    ("recipients", "shown"),
    [
        pytest.param(900, "autumn\tperson\t6", id="to many"),
        pytest.param(3, "", id="to three people"),
    ],
)
def test_rule_holds_after_retention_has_folded_what_is_small(
    five: Kept, line: Line, recipients: int, shown: str
) -> None:
    five.count(
        opens_of(line, 2),
        opens_of(line, 6, AUTUMN),
        line.take(campaign=AUTUMN, agent="curl/8.5.0"),
        line.take(campaign=AUTUMN, agent=GMAIL),
        delivered(line, recipients),
        delivered(line, recipients, AUTUMN),
    )

    run_retention(five.store._client, FIVE, NOON + 40 * DAY_SECONDS, None)

    assert five.value("SELECT campaign, mail_kind, opens FROM email WHERE opens != 0") == shown
    assert five.value("SELECT sum(delivered) FROM email_delivered") == str(2 * recipients)
    small = five.value(
        f"SELECT count() FROM (SELECT k1, k3, sum(visitors) AS v FROM {DATABASE}.cells"
        " WHERE statistic LIKE 'email(%' AND k1 != '(other)' GROUP BY k1, k3"
        " HAVING v != 0 AND v < 5)"
    )
    assert small == "0"
