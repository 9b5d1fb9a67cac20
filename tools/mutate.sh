#!/usr/bin/env bash
# Break anonymizer/ in every way that mutmut knows, one at a time, and see which faults its
# tests let pass. Ends with 1 when a tenth of them or more survive. About 15 minutes on 2 cores.
#   tools/mutate.sh                     all of it
#   tools/mutate.sh 'anonymizer.gate*'  a part; then `mutmut show NAME` prints a fault
set -euo pipefail
cd "$(dirname "$0")/.."
export VENV=${VENV:-.venv-mutation}
tools/setup.sh mutation
bin=$PWD/$VENV/bin

"$bin/mutmut" run "$@" || true # survivors are told below
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
