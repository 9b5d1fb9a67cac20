#!/usr/bin/env bash
# Break anonymizer/ in every way that mutmut knows, one at a time, and see which faults its
# tests let pass. Ends with 1 when a tenth of them or more survive. Half an hour on 2 cores.
#   tools/mutate.sh                     all of it
#   tools/mutate.sh 'anonymizer.gate*'  a part
# Works on a copy in .mutation/, where `mutmut show NAME` prints a fault.
set -euo pipefail
cd "$(dirname "$0")/.."
export VENV=${VENV:-.venv-mutation}
tools/setup.sh mutation
bin=$PWD/$VENV/bin

rm -rf .mutation
mkdir .mutation
git ls-files -z -- anonymizer collector dashboards docs tests tools README.md pyproject.toml |
    xargs -0 cp --parents -t .mutation
cd .mutation

# First in processes that have imported everything already, which is quick; then those that
# survived in fresh ones, for a fault in what runs at import shows nowhere else.
"$bin/mutmut" run "$@" || true
survived() { "$bin/mutmut" results | sed -n 's/^ *\(.*\): survived$/\1/p'; }
again=$(survived)
if [ -n "$again" ]; then
    printf 'once more in fresh processes: %s faults\n' "$(wc -w <<<"$again")"
    sed -i 's/^process_isolation = "fork"$/process_isolation = "forkserver"/' pyproject.toml
    # shellcheck disable=SC2086  # names hold no spaces
    "$bin/mutmut" run $again || true
fi
"$bin/mutmut" results
"$bin/mutmut" export-cicd-stats >/dev/null
"$bin/python" - <<'PY'
import json, pathlib, sys

found = json.loads(pathlib.Path("mutants/mutmut-cicd-stats.json").read_text())
tried = sum(found[fate] for fate in ("killed", "survived", "no_tests", "timeout", "suspicious"))
alive = found["survived"] + found["no_tests"]
share = alive / tried if tried else 1.0
print(f"{tried} faults tried, {alive} survived: {share:.1%}")
sys.exit(share >= 0.10)
PY
