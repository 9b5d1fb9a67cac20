"""What a statistic may not be told apart by, word by word, and what else a fault of it tells."""

import pytest

from tests.anonymizer.policy_texts import ALONE, COVERAGE, HEAD, OWN, PURPOSE, SITE, lines_of


@pytest.mark.parametrize(
    ("by", "messages"),
    [
        pytest.param(["page", "page"], ["must name each dimension once"], id="twice"),
        pytest.param(
            ["page", "source", "country", "device"], ["must name at most 3 dimensions"], id="four"
        ),
        pytest.param(
            ["door", "page"],
            ["must not name door or reason: they belong to coverage alone"],
            id="door",
        ),
        pytest.param(
            ["previous_page"], ["must name page beside previous_page"], id="previous page"
        ),
        pytest.param(
            ["page", "previous_page", "event"],
            ["must not name previous_page beside event"],
            id="previous page and event",
        ),
        pytest.param(
            ["entry_page", "page"],
            ["must not name entry_page beside page or previous_page"],
            id="entry and page",
        ),
        pytest.param(["exit_page", "page"], ["must name exit_page alone"], id="exit and page"),
        pytest.param(
            ["bot", "page"],
            ["must name nothing beside bot and bot_kind: a refused hit tells no more"],
            id="bot and page",
        ),
        pytest.param(["mask", "page"], ["must name mask alone"], id="mask and page"),
        pytest.param(
            ["mail_kind"],
            ["must name campaign beside variant, mail_kind or link, and no other"],
            id="mail without campaign",
        ),
        pytest.param(
            ["campaign", "variant", "country"],
            ["must name campaign beside variant, mail_kind or link, and no other"],
            id="mail and country",
        ),
        pytest.param(
            ["campaign", "mail_kind", "link"],
            ["must not name mail_kind beside link: a link counts clicks of persons alone"],
            id="kind and link",
        ),
        pytest.param(["event", "value"], ["must name property beside value"], id="value"),
        pytest.param(
            ["property"],
            ["must name event beside property, and no other than value"],
            id="property alone",
        ),
        pytest.param(
            ["event", "property", "page"],
            ["must name event beside property, and no other than value"],
            id="property and page",
        ),
        pytest.param(
            ["value", "mask"],
            ["must name mask alone", "must name property beside value"],
            id="two faults",
        ),
    ],
)
def test_dimensions_that_tell_nothing_together_are_refused(
    by: list[str], messages: list[str]
) -> None:
    assert lines_of(f"{OWN}by = {by}\n") == [f"line 21: statistic.by: {each}" for each in messages]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        pytest.param('by = "page"', "must be a list of strings", id="no list"),
        pytest.param('by = ["visitor"]', "must name dimensions only; known are ", id="unknown"),
        pytest.param("", 'must be ["door", "reason"] in coverage', id="none"),
        pytest.param('by = ["door"]', 'must be ["door", "reason"] in coverage', id="one of two"),
    ],
)
def test_coverage_has_one_fault_for_its_dimensions(by: str, message: str) -> None:
    (fault,) = lines_of(ALONE.replace('by = ["door", "reason"]', by))

    assert fault.partition("statistic.by: ")[2].startswith(message)


def test_days_are_read_even_of_a_statistic_without_a_purpose() -> None:
    nowhere = OWN.replace('"own"\npurpose = "shop"', '"own"\npurpose = "ads"')

    assert lines_of(f"{nowhere}keep_days = 0\n") == [
        "line 20: statistic.purpose: must be the id of a [[purpose]]",
        "line 21: statistic.keep_days: must be a whole number of at least 1",
    ]
    assert lines_of(f"{nowhere}keep_days = 5000\n") == [
        "line 20: statistic.purpose: must be the id of a [[purpose]]"
    ]


def test_refusals_are_counted_without_consent() -> None:
    asking = ALONE.replace('"exempt"', '"consent"')
    inherited = (
        HEAD + 'extends = "default"\n' + SITE + '[[purpose]]\nid = "shop"\nbasis = "consent"\n'
    )

    assert lines_of(asking) == [
        "line 16: statistic.purpose: must have the basis exempt: refusals are counted for it"
    ]
    assert lines_of(inherited, PURPOSE + COVERAGE) == [
        "line 12: purpose.basis: must be exempt: refusals are counted for this purpose"
    ]


def test_nameless_table_hides_no_other_fault() -> None:
    nameless = '[[statistic]]\npurpose = "shop"\n[[statistic]]\nname = "X"\npurpose = "shop"\n'
    told = [fault.partition(": must")[0] for fault in lines_of(ALONE + nameless)]

    assert told == ["line 18: statistic.name: is missing", "line 21: statistic.name"]


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        pytest.param(
            "tcf = 9\n",
            ["line 14: purpose.tcf: must be a list of whole numbers from 1 to 24"],
            id="TCF purposes",
        ),
        pytest.param(
            'titles = "x"\n',
            ['line 14: purpose.titles: must be a table such as {zh = "…"}'],
            id="titles",
        ),
        pytest.param(
            "keep_days = 0\n",
            ["line 14: purpose.keep_days: must be a whole number from 1 to 1100"],
            id="days",
        ),
    ],
)
def test_fault_of_a_purpose_stands_at_its_key(keys: str, faults: list[str]) -> None:
    assert lines_of(HEAD + SITE + PURPOSE + keys + COVERAGE) == faults
