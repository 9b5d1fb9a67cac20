#!/usr/bin/env bash
# Break anonymizer/ in every way that mutmut knows, one at a time, and see which faults its
# tests let pass. Ends with 1 when a tenth of them or more survive. Half an hour on 2 cores.
#   tools/mutate.sh                                       all of it
#   tools/mutate.sh 'anonymizer.gate*' 'anonymizer.gpp*'  parts
#   CHILDREN=1 tools/mutate.sh                            on one core
# Works on a copy in .mutation/, where `mutmut show NAME` prints a fault.
set -euo pipefail
cd "$(dirname "$0")/.."
export VENV=${VENV:-.venv-mutation}
tools/setup.sh mutation
bin=$PWD/$VENV/bin
children=${CHILDREN:-$(getconf _NPROCESSORS_ONLN)}

rm -rf .mutation
mkdir .mutation
git ls-files -zco --exclude-standard -- \
    anonymizer clickhouse_http collector dashboards people docs tests tools README.md pyproject.toml |
    while IFS= read -rd '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | xargs -0 cp --parents -t .mutation
cd .mutation
# What a fresh process may hold before a fault is in place: nothing of anonymizer/.
printf '%s\n' pytest hypothesis.strategies hypothesis.internal.conjecture.engine can_ada msgspec \
    ua_parser_rs user_agents httpx playwright.sync_api starlette.applications >preloads.txt

# Named one by one even when it is all, since mutmut then looks whether each test goes by the name
# that it wrote down; one that it can't find would pass for one that fails.
[ $# -gt 0 ] || set -- 'anonymizer.*'

# First in processes that have imported everything already, which is quick; then those that
# survived in fresh ones, for a fault in what runs at import or is remembered since shows
# nowhere else.
"$bin/mutmut" run --max-children "$children" "$@"
survived() { "$bin/mutmut" results | sed -n 's/^ *\(.*\): survived$/\1/p'; }
again=$(survived)
if [ -n "$again" ]; then
    printf 'once more in fresh processes: %s faults\n' "$(wc -w <<<"$again")"
    sed -i 's/^process_isolation = "fork"$/process_isolation = "forkserver"/' pyproject.toml
    # shellcheck disable=SC2086  # names hold no spaces
    "$bin/mutmut" run --max-children "$children" $again
fi
"$bin/mutmut" results | grep -v ': not checked$' || true
"$bin/python" -m tools.mutation_report .
