"""Add up what a mutation run found: ``python -m tools.mutation_report FOLDER``.

Prints a line a module and the totals; ends with 1 when a tenth of the faults or more survived.
"""

import json
import sys
from collections import Counter
from pathlib import Path

LIMIT = 0.10

# mutmut keeps the exit code of the tests under each fault: None was not tried, 33 and 5 found no
# test to run, and a run that took too long ended by a signal. All others tell that the fault
# showed: 1 a test failed; 2, 4 and 255 no test could even be collected.
_UNTRIED, _SURVIVED = None, 0
_UNTESTED = frozenset({5, 33})
_ENDLESS = frozenset({-24, -9, 24, 36, 152})


def fate_of(code: int | None) -> str:
    """Name what became of a fault."""
    if code is _UNTRIED:
        return "untried"
    if code == _SURVIVED:
        return "survived"
    if code in _UNTESTED:
        return "untested"
    return "endless" if code in _ENDLESS else "killed"


def row(name: str, fates: Counter[str]) -> str:
    """Write one line of the table."""
    alive = fates["survived"] + fates["untested"]
    tried = fates.total() - fates["untried"]
    return (
        f"{name:20} {tried:6} tried {fates['killed']:6} killed {fates['endless']:4} endless"
        f" {fates['survived']:5} survived {fates['untested']:4} untested {alive / tried:7.1%}"
    )


def main(folder: Path) -> int:
    """Print the table of a run in `folder`."""
    total: Counter[str] = Counter()
    for meta in sorted(folder.glob("mutants/anonymizer/*.meta")):
        codes: dict[str, int | None] = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        fates = Counter(map(fate_of, codes.values()))
        if fates.total() > fates["untried"]:
            print(row(meta.name.removesuffix(".py.meta"), fates))
        total += fates
    if total.total() == total["untried"]:
        print("no fault was tried")
        return 1
    print(row("all", total))
    tried = total.total() - total["untried"]
    return int((total["survived"] + total["untested"]) / tried >= LIMIT)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
