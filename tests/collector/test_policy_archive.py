"""Versions of the policy stay as they were, and say until when consent holds."""

from pathlib import Path

import pytest

from anonymizer.policy import Policy
from anonymizer.policy_diff import compare
from anonymizer.policy_file import read_policy
from collector.policy_archive import BadArchive, ChangedWithoutVersion, PolicyArchive
from collector.reference import default_policy
from tests.running import POLICY

WHOLE = (
    POLICY.replace('version = "1"', 'version = "2026-03.a_b"\neffective = 2026-03-01')
    + 'consent = "opt-in"\njurisdiction = "DE"\nchild_paths = ["/kids"]\n'
    + 'path_templates = ["/u/:id/*"]\nhash_routing = true\n'
    + '[[purpose]]\nid = "more"\ntitle = "„Mehr“ | \\\\ \\"x\\""\n'
    + 'titles = {"pt-BR" = "Mais", zh = "更多"}\nclause = "1"\nbasis = "consent"\ntcf = []\n'
    + '[signals]\ntcf_vendor = 7\n[residency]\nstored_in = ["DE", "FR"]\nrecipients = ["a, b"]\n'
    + '[network]\nvisitor_address = "truncated"\n'
)


def text_of(version: str) -> str:
    return POLICY.replace('version = "1"', f'version = "{version}"')


def policy_of(text: str) -> Policy:
    return read_policy(text, default_policy())


def numbered(version: str, min_group: int, contact: str = "privacy@example.org") -> Policy:
    text = text_of(version).replace("min_group = 1", f"min_group = {min_group}")
    return policy_of(text.replace("privacy@example.org", contact))


@pytest.fixture(name="archive")
def empty_archive(tmp_path: Path) -> PolicyArchive:
    return PolicyArchive(tmp_path / "policies")


@pytest.mark.parametrize("text", [POLICY, WHOLE], ids=["short", "every key"])
def test_kept_policy_is_read_back_the_same(archive: PolicyArchive, text: str) -> None:
    policy = policy_of(text)
    archive.keep(policy, text)

    again = archive.read(policy.version)

    assert again == policy
    assert compare(again, policy) == ()


def test_every_version_is_kept_in_the_order_of_its_first_keeping(archive: PolicyArchive) -> None:
    for version in ("b", "a", "10", "9", "b"):
        archive.keep(policy_of(text_of(version)), text_of(version))

    assert archive.versions() == ("b", "a", "10", "9")


def test_text_is_kept_for_people_beside_the_meaning(archive: PolicyArchive, tmp_path: Path) -> None:
    archive.keep(policy_of(POLICY), POLICY)

    files = sorted(path.name for path in (tmp_path / "policies").iterdir())
    assert files == ["0001-1.json", "0001-1.toml"]
    assert (tmp_path / "policies" / "0001-1.toml").read_text("utf-8") == POLICY


def test_comment_or_order_of_the_same_version_takes_the_place_of_the_text(
    archive: PolicyArchive, tmp_path: Path
) -> None:
    archive.keep(policy_of(POLICY), POLICY)
    commented = f"# Looked over in March.\n{POLICY}"

    archive.keep(policy_of(commented), commented)

    assert archive.versions() == ("1",)
    assert (tmp_path / "policies" / "0001-1.toml").read_text("utf-8") == commented


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("min_group = 1", "min_group = 2", id="stricter"),
        pytest.param('"Example"', '"Another"', id="major"),
        pytest.param('id = "test"', 'id = "other"', id="name"),
    ],
)
def test_other_meaning_under_a_known_version_is_refused_with_its_changes(
    archive: PolicyArchive, old: str, new: str
) -> None:
    archive.keep(policy_of(POLICY), POLICY)
    changed = POLICY.replace(old, new)

    with pytest.raises(ChangedWithoutVersion) as refused:
        archive.keep(policy_of(changed), changed)

    assert refused.value.changes == compare(policy_of(POLICY), policy_of(changed))
    assert all(str(change) in str(refused.value) for change in refused.value.changes)
    assert "[policy] version" in str(refused.value)
    assert archive.read("1") == policy_of(POLICY)


def test_archived_version_does_not_change_with_the_shipped_default(archive: PolicyArchive) -> None:
    before = default_policy()
    after = before.replace("min_group = 20", "min_group = 50")
    assert after != before
    archive.keep(read_policy(POLICY.replace("min_group = 1\n", ""), before), POLICY)
    changed = read_policy(POLICY.replace("min_group = 1\n", ""), after)

    with pytest.raises(ChangedWithoutVersion, match=r"networks: min_group: 20 → 50"):
        archive.check(changed)

    assert {each.min_group for each in archive.read("1").statistics} == {1, 3, 5, 20}


@pytest.mark.parametrize(
    ("versions", "current", "honoured"),
    [
        pytest.param((("1", 5),), "1", "1", id="alone"),
        pytest.param((("1", 5), ("2", 6), ("3", 7)), "3", "1 2 3", id="tightened"),
        pytest.param((("1", 5), ("2", 4), ("3", 5)), "3", "2 3", id="loosened and back"),
        pytest.param((("1", 5), ("2", 6), ("3", 4)), "3", "3", id="loosened last"),
        pytest.param((("1", 5), ("2", 4), ("3", 3)), "3", "3", id="loosened twice"),
        pytest.param((("1", 5), ("2", 4)), "1", "1 2", id="gone back to the stricter"),
        pytest.param((("1", 5), ("2", 6)), "1", "1", id="gone back to the looser"),
    ],
)
def test_consent_holds_over_versions_up_to_a_major_change(
    archive: PolicyArchive, versions: tuple[tuple[str, int], ...], current: str, honoured: str
) -> None:
    policies = {version: numbered(version, size) for version, size in versions}
    for policy in policies.values():
        archive.keep(policy, "")

    assert archive.honoured(policies[current]) == frozenset(honoured.split())


def test_change_that_was_taken_back_still_voids_what_was_given_before_it(
    archive: PolicyArchive,
) -> None:
    """The chain is walked: between one and three, two was in force."""
    policies = [numbered("1", 5), numbered("2", 5, "b@example.org"), numbered("3", 5)]
    for policy in policies:
        archive.keep(policy, "")

    assert compare(policies[0], policies[2]) == compare(
        numbered("1", 5), numbered("3", 5)
    )  # nothing but the version
    assert archive.honoured(policies[2]) == {"3"}


def test_crash_between_the_two_files_leaves_the_version_unkept(
    archive: PolicyArchive, tmp_path: Path
) -> None:
    archive.keep(policy_of(POLICY), POLICY)
    folder = tmp_path / "policies"
    (folder / "0002-2.toml").write_text("cut o")
    (folder / ".0002-2.json.part").write_text('{"id": "te')

    assert archive.versions() == ("1",)
    archive.keep(policy_of(text_of("2")), text_of("2"))
    assert archive.versions() == ("1", "2")
    assert (folder / "0002-2.toml").read_text("utf-8") == text_of("2")
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"id": "\xff"}', b'{"id": 1}', b"null"],
    ids=["empty", "cut off", "list", "no text", "wrong type", "null"],
)
def test_damaged_file_is_named(archive: PolicyArchive, tmp_path: Path, content: bytes) -> None:
    archive.keep(policy_of(POLICY), POLICY)
    file = tmp_path / "policies" / "0001-1.json"
    file.write_bytes(content)

    with pytest.raises(BadArchive, match=r"0001-1\.json"):
        archive.read("1")


def test_unknown_zone_in_an_archived_policy_is_damage(
    archive: PolicyArchive, tmp_path: Path
) -> None:
    archive.keep(policy_of(POLICY), POLICY)
    file = tmp_path / "policies" / "0001-1.json"
    file.write_text(file.read_text().replace("Europe/Berlin", "../../etc/passwd"))

    with pytest.raises(BadArchive):
        archive.read("1")


def test_nothing_was_kept_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    archive = PolicyArchive(tmp_path / "none")

    archive.check(policy_of(POLICY))

    assert archive.versions() == ()
    assert not (tmp_path / "none").exists()
