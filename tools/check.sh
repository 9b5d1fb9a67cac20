#!/usr/bin/env bash
# Run every check: the static ones all, then the tests if none of them failed.
# Arguments go to pytest. Tests run on three processes, those of a file on one: it may hold an
# engine open, and a process has room for one. Which files begin first, tests/conftest.py says.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
# Containers often set it; each of the hundreds of processes that tests start would then compile
# the project anew: 0.2 s of the 0.75 s that its imports take.
unset PYTHONDONTWRITEBYTECODE

failed=
step() {
    local name=$1 started=$EPOCHREALTIME status=0
    shift
    printf '%s\n' "── $name"
    "$@" </dev/null || status=$?
    awk -v name="$name" -v from="$started" -v to="$EPOCHREALTIME" -v status="$status" \
        'BEGIN { printf "   %s: %s in %.1f s\n", name, status ? "failed" : "passed", to - from }'
    [ "$status" = 0 ] || failed="$failed $name"
    return "$status"
}

step format "$bin/python" -m ruff format --check --quiet .
step lint "$bin/python" -m ruff check --quiet .
step types "$bin/python" -m mypy --no-error-summary
step imports "$bin/lint-imports" --no-cache --no-logo
if [ -n "$failed" ]; then
    printf '%s\n' "failed:$failed; the tests were not run" >&2
    exit 1
fi
step tests "$bin/python" -m pytest --numprocesses 3 --dist loadfile \
    --no-loadscope-reorder "$@"
