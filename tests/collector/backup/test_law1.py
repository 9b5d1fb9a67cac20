"""Law 1 holds for a backup: nothing identifying is in it, nor what lets somebody in."""

import gzip
from pathlib import Path

import pytest

from tests.collector.backup.backing import back_up
from tests.laws.canaries import Canaries, files_under
from tests.running import FIREFOX, Server, discreet, hit


class Made:
    def __init__(self, folder: Path) -> None:
        self.canaries = Canaries(seed=7)
        self.kept_page = "/kept-in-every-form"
        self._hits(folder)
        self.mode = (folder / "backup").stat().st_mode & 0o777
        self.files = files_under(folder / "backup")
        for name, content in list(self.files.items()):
            if name.endswith(".gz"):
                self.files[f"{name} unpacked"] = gzip.decompress(content.split(b"\n", 1)[1])

    def _hits(self, folder: Path) -> None:
        put = self.canaries
        log = folder / "access.log"
        line = '{} - {} [10/Nov/2026:13:55:36 +0000] "GET /p?mail={} HTTP/1.1" 200 9 "-" "{}"\n'
        log.write_text(
            "".join(
                line.format(
                    put.address(f"log address {n}"),
                    put.word(f"log name {n}"),
                    put.email(f"log mail {n}"),
                    f"{FIREFOX} {put.hex(f'log agent {n}')}",
                )
                for n in range(20)
            )
        )
        with Server(folder) as server:
            server.stop()
            site = ("--site", "example.org", "--data")
            assert discreet("import", log, *site, server.data).returncode == 0
            server.start()
            for n in range(20):
                page = f"{self.kept_page}?token={put.token(f'query {n}')}"
                referrer = f"https://elsewhere.example/?q={put.email(f'referrer {n}')}"
                agent = f"{FIREFOX} {put.hex(f'agent {n}')}"
                assert server.send(hit(page, r=referrer), agent=agent).status_code == 202
                refused = hit(f"/{put.word(f'refused {n}')}")
                assert server.send(refused, agent=agent, Sec_GPC="1").status_code == 202
            back_up(server.data, folder / "backup")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("law1"))


def test_backup_holds_no_canary_in_any_form(made: Made) -> None:
    assert made.canaries.count > 100
    assert made.canaries.found_in(made.files) == []


def test_search_finds_what_is_kept(made: Made) -> None:
    kept = Canaries(seed=1)
    kept.add("page", made.kept_page)
    found = kept.found_in(made.files)
    assert any("unpacked" in place for place in found)


def test_backup_holds_the_files_it_names_and_no_other(made: Made) -> None:
    names = {name.split("/")[0] for name in made.files}
    stores = {"annotations.sqlite", "email.sqlite"}
    assert names == {"cells", "manifest.json", "policies", "policy.toml", *stores}


def test_backup_is_for_its_owner_alone(made: Made) -> None:
    assert made.mode == 0o700
