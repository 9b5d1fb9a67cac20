import pytest

from anonymizer.agents import Agent
from anonymizer.hits import Door, RawHit, SiteId
from anonymizer.signals import Signals, read_signals

BROWSER = Agent("desktop", "Firefox 128", "Linux", False)
BOT = Agent("other", "Googlebot 2", "Other", True)


def read(
    *,
    dnt: tuple[str, ...] = (),
    gpc: tuple[str, ...] = (),
    prefetch: tuple[str, ...] = (),
    agent: Agent = BROWSER,
) -> Signals:
    raw = RawHit(
        door=Door.EVENT,
        site=SiteId("example.org"),
        time=0,
        raw_address="192.0.2.1",
        raw_agent="",
        raw_url="/",
        dnt=dnt,
        gpc=gpc,
        prefetch=prefetch,
    )
    return read_signals(raw, agent)


@pytest.mark.parametrize(
    ("lines", "refuses"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("1",), True, id="one"),
        pytest.param(("0",), False, id="zero"),
        pytest.param(("1xyz",), True, id="extension after one"),
        pytest.param(("0xyz1",), False, id="one in the extension of zero"),
        pytest.param(("",), False, id="empty"),
        pytest.param(("yes",), False, id="word"),
        pytest.param(("2",), False, id="two"),
        pytest.param((" 1",), True, id="leading space"),
        pytest.param(("0", "1"), True, id="two lines, one refuses"),
        pytest.param(("0", "0"), False, id="two lines, none refuses"),
        pytest.param(("0, 1",), True, id="joined lines, one refuses"),
        pytest.param(("null",), False, id="script's null"),
    ],
)
def test_dnt_is_read_by_first_character_of_any_line(lines: tuple[str, ...], refuses: bool) -> None:
    assert read(dnt=lines).dnt is refuses


@pytest.mark.parametrize(
    ("lines", "refuses"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("1",), True, id="one"),
        pytest.param(("0",), False, id="zero"),
        pytest.param(("true",), False, id="true"),
        pytest.param(("1x",), False, id="no extension"),
        pytest.param(("11",), False, id="eleven"),
        pytest.param(("",), False, id="empty"),
        pytest.param(("1 ",), True, id="trailing space, which HTTP strips"),
        pytest.param(("1,1",), True, id="equal lines joined"),
        pytest.param(("0, 1",), True, id="joined lines, one refuses"),
        pytest.param(("0,0",), False, id="joined lines, none refuses"),
        pytest.param(("0", "1"), True, id="two lines, one refuses"),
        pytest.param(("0", "true"), False, id="two lines, none refuses"),
    ],
)
def test_gpc_is_exactly_one_in_any_line(lines: tuple[str, ...], refuses: bool) -> None:
    assert read(gpc=lines).gpc is refuses


@pytest.mark.parametrize(
    ("lines", "unseen"),
    [
        pytest.param((), False, id="absent"),
        pytest.param(("prefetch",), True, id="Sec-Purpose"),
        pytest.param(("prefetch;prerender",), True, id="Chrome prerender"),
        pytest.param(("prefetch;anonymous-client-ip",), True, id="with a parameter"),
        pytest.param(("Prefetch",), True, id="upper case"),
        pytest.param(("preview",), True, id="Safari top sites"),
        pytest.param(("instant",), True, id="omnibox"),
        pytest.param(("", "prefetch"), True, id="second header"),
        pytest.param(("",), False, id="empty"),
        pytest.param(("fetch",), False, id="plain fetch"),
    ],
)
def test_prefetch_is_read_from_purpose_headers(lines: tuple[str, ...], unseen: bool) -> None:
    assert read(prefetch=lines).prefetch is unseen


def test_bot_comes_from_agent() -> None:
    assert read(agent=BOT) == Signals(dnt=False, gpc=False, prefetch=False, bot=True)
    assert read(agent=BROWSER) == Signals(dnt=False, gpc=False, prefetch=False, bot=False)
