from importlib.resources import files

import pytest

from anonymizer.countries import read_zones

TAB = "#comment\nDE\t+5230+01322\tEurope/Berlin\tmost of Germany\nIN\t+2232+08822\tAsia/Kolkata\n"
TAB += "CI\t+0519-00402\tAfrica/Abidjan\n"
LINKS = (
    "# version x\nR A 1 2\nZ Europe/Berlin 0:53:28 - LMT 1893 Ap\n"
    "L Europe/Berlin CET\nL Asia/Kolkata Asia/Calcutta\nL Asia/Calcutta Old/Name\nL Etc/UTC UTC\n"
    "L Loop/B Loop/A\nL Loop/A Loop/B\nL Africa/Abidjan Iceland\nL Africa/Abidjan Old/Abidjan\n"
)


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        pytest.param("Europe/Berlin", "DE", id="zone"),
        pytest.param("Asia/Calcutta", "IN", id="link"),
        pytest.param("Old/Name", "IN", id="link to a link"),
        pytest.param("UTC", None, id="no place"),
        pytest.param("CET", None, id="offset linked to a city"),
        pytest.param("Loop/A", None, id="links in a circle"),
        pytest.param("Iceland", "IS", id="link abroad"),
        pytest.param("Old/Abidjan", "CI", id="link at home to the same"),
        pytest.param("Europe/berlin", None, id="other case"),
    ],
)
def test_zone_tells_country(zone: str, country: str | None) -> None:
    assert read_zones(TAB, LINKS).get(zone) == country


@pytest.fixture(scope="module")
def zones() -> dict[str, str]:
    folder = files("tzdata") / "zoneinfo"
    return read_zones(
        (folder / "zone.tab").read_text(encoding="utf-8"),
        (folder / "tzdata.zi").read_text(encoding="utf-8"),
    )


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Europe/Berlin", "DE"),
        ("Europe/Oslo", "NO"),
        ("America/Argentina/Buenos_Aires", "AR"),
        ("America/Buenos_Aires", "AR"),
        ("Europe/Kiev", "UA"),
        ("America/Coral_Harbour", "CA"),
        ("Pacific/Truk", "FM"),
        ("Iceland", "IS"),
        ("Atlantic/Reykjavik", "IS"),
        ("Etc/GMT+5", None),
        ("EST", None),
    ],
)
def test_tzdata_zone_tells_country(zones: dict[str, str], zone: str, country: str | None) -> None:
    assert zones.get(zone) == country


def test_every_country_is_two_capital_letters(zones: dict[str, str]) -> None:
    assert len(zones) > 500
    assert all(len(c) == 2 and c.isalpha() and c.isupper() for c in zones.values())
