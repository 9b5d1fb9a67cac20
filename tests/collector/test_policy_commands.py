"""`discreet policy show`, `diff` and `report`, run as commands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import FIREFOX, POLICY, Server, discreet, hit, refusal_of

SECOND = POLICY.replace('version = "1"', 'version = "2"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("report")) as server:
        server.send(hit("/a"), agent=FIREFOX)
        server.wait_for("SELECT sum(views) FROM traffic", "1\n")
        yield server


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def lines_of(*arguments: str | Path) -> list[str]:
    answer = discreet("policy", *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.decode().splitlines()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(
            "# Another remark.\n" + POLICY,
            ["Nothing changed in meaning: consent goes on."],
            id="same",
        ),
        pytest.param(
            SECOND,
            [
                "policy: version: 1 → 2 (not major)",
                "No major change among 1: consent goes on.",
            ],
            id="not major",
        ),
        pytest.param(
            SECOND.replace('"Example"', '"Other"'),
            [
                "policy: version: 1 → 2 (not major)",
                "policy: controller: Example → Other (major, imoa 9.2)",
                "1 of 2 changes major: consent must be asked anew.",
            ],
            id="major",
        ),
    ],
)
def test_diff_names_each_change_and_ends_with_the_verdict(
    tmp_path: Path, text: str, lines: list[str]
) -> None:
    old, new = written(tmp_path, "old.toml", POLICY), written(tmp_path, "new.toml", text)

    assert lines_of("diff", old, new) == lines


def test_diff_as_json_says_the_same(tmp_path: Path) -> None:
    old = written(tmp_path, "old.toml", POLICY)
    new = written(tmp_path, "new.toml", POLICY.replace('"Example"', '"Other"'))

    answer = json.loads("\n".join(lines_of("diff", "--json", old, new)))

    assert answer == {
        "ask_anew": True,
        "changes": [
            {
                "part": "policy",
                "name": "",
                "key": "controller",
                "old": "Example",
                "new": "Other",
                "clause": "9.2",
                "major": True,
            }
        ],
    }


def test_diff_reads_what_was_archived(server: Server, tmp_path: Path) -> None:
    archived = server.data / "policies" / "0001-1.json"
    new = written(tmp_path, "new.toml", SECOND)

    assert lines_of("diff", archived, new)[0] == "policy: version: 1 → 2 (not major)"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("new.toml", POLICY + "colour = 1\n", "line 12: site.colour", id="fault"),
        pytest.param("new.json", "{}", "is no policy that Discreet archived", id="no archive"),
        pytest.param("gone.toml", None, "No such file", id="no file"),
        pytest.param("gone.json", None, "No such file", id="no archived file"),
    ],
)
@pytest.mark.parametrize("command", ["diff", "show"])
def test_file_that_cant_be_read_is_named(
    tmp_path: Path, command: str, name: str, text: str | None, told: str
) -> None:
    bad = tmp_path / name if text is None else written(tmp_path, name, text)
    before = [written(tmp_path, "old.toml", POLICY)] if command == "diff" else []

    answer = discreet("policy", command, *before, bad)

    assert answer.returncode == 2
    assert told in answer.stderr.decode()
    assert bad.name in answer.stderr.decode()
    assert b"Traceback" not in answer.stderr


def test_show_tells_what_is_inherited(tmp_path: Path) -> None:
    shown = "\n".join(lines_of("show", written(tmp_path, "policy.toml", POLICY)))

    for word in ("Europe/Berlin", "privacy@example.org", "accountability", "pages_by", "utm_medi"):
        assert word in shown


def test_show_tells_goals_and_funnels(tmp_path: Path) -> None:
    goals = (
        "[[goal]]\nname = 'ordered'\npage = '/order/*/done'\nsite = 'example.org'\n"
        "[[funnel]]\nname = 'checkout'\nsteps = ['/cart', 'ordered']\n"
    )
    shown = "\n".join(lines_of("show", written(tmp_path, "policy.toml", POLICY + goals)))

    for word in ("goals", "ordered", "/order/*/done", "funnels", "checkout", "/cart"):
        assert word in shown


def rows_of(report: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| ")]


def test_report_of_a_running_and_of_a_stopped_store_is_the_same(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.send(hit("/a"))
        server.wait_for("SELECT sum(views) FROM traffic", "1\n")
        # Kept for 90 days, so in another partition, which may show a moment later.
        server.wait_for("SELECT count() FROM networks", "1\n")
        options = ("report", "--policy", server.policy, "--data", server.data)
        running = lines_of(*options, "--format", "markdown")
        server.stop()

        assert lines_of(*options, "--format", "markdown") == running

    rows = rows_of("\n".join(running))
    assert ["g", "tables on disk, as read", "cells, receipts"] in rows
    by_criterion = {row[1]: row for row in rows if len(row) == 4}
    only = by_criterion[
        "Only statistics are kept: no column is for an identifier or a single visit"
    ]
    assert only[:3:2] == ["must", "met"]
    follows = by_criterion["What is kept is what this policy declares"]
    assert follows[2] == "met"
    assert by_criterion["No count that is shown stands for a single visitor"][2] == "not met"


def test_report_without_a_store_calls_nothing_met_that_only_the_store_can_tell(
    tmp_path: Path,
) -> None:
    report = "\n".join(
        lines_of("report", "--policy", written(tmp_path, "p.toml", POLICY), "--format", "markdown")
    )

    unasked = [row for row in rows_of(report) if row[-1] == "only the store can tell; give --data"]
    assert len(unasked) == 6
    assert {row[2] for row in unasked} == {"needs a human"}


def test_record_has_every_letter_of_the_article(tmp_path: Path) -> None:
    policy = POLICY.replace(
        "[policy]\n",
        '[policy]\naddress = "1 Example Street"\nrepresentative = "Rosa"\n'
        'protection_officer = "Olga"\n',
    )
    policy += '[residency]\nstored_in = ["Iceland"]\nrecipients = ["Institute"]\n'
    report = "\n".join(
        lines_of("report", "--policy", written(tmp_path, "p.toml", policy), "--format", "markdown")
    )

    letters = [row[0] for row in rows_of(report) if re.fullmatch("[a-g]", row[0])]
    assert sorted(set(letters)) == list("abcdefg")
    for told in ("1 Example Street", "Rosa", "Olga", "Iceland", "Institute", "750 days"):
        assert told in report


def test_report_on_a_store_that_follows_another_policy_says_so(
    server: Server, tmp_path: Path
) -> None:
    other = written(tmp_path, "other.toml", SECOND.replace("privacy@", "data@"))

    report = "\n".join(
        lines_of("report", "--policy", other, "--data", server.data, "--format", "markdown")
    )

    (row,) = [row for row in rows_of(report) if row[1].startswith("What is kept is")]
    assert row[2] == "not met"
    assert "differs in 2 points" in row[3]


def test_report_as_text_is_two_tables(tmp_path: Path) -> None:
    shown = lines_of("report", "--policy", written(tmp_path, "policy.toml", POLICY))

    assert shown[0].startswith("Record of processing activities")
    assert any("CNIL's criteria" in line for line in shown)


@pytest.mark.parametrize("made", [True, False], ids=["empty", "missing"])
def test_report_on_a_directory_without_a_store_fails_in_one_line(
    tmp_path: Path, made: bool
) -> None:
    data = tmp_path / "data"
    if made:
        data.mkdir()

    policy = written(tmp_path, "p.toml", POLICY)
    assert "there is no" in refusal_of("policy", "report", "--policy", policy, "--data", data)
