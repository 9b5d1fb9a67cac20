#!/usr/bin/env bash
# Resolve every dependency to its newest release, for Linux and macOS and each Python
# from 3.11 on, with the hash of every file of it. Arguments go to uv, such as
# `--upgrade-package starlette`; without any, all are upgraded.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${VENV:-.venv}/bin/uv
[ $# -gt 0 ] || set -- --upgrade

resolve() {
    local out=$1 excludes=$2
    shift 2
    "$uv" --no-config pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --no-header --no-sources --excludes "$excludes" -o "$out" \
        "$@" pyproject.toml requirements/build.in
}
resolve requirements/run.txt requirements/excludes.txt "$@"
resolve requirements/test.txt requirements/excludes-test.txt --extra test --constraints requirements/run.txt "$@"
resolve requirements/mutation.txt requirements/excludes-test.txt --extra test --extra mutation \
    --constraints requirements/test.txt "$@"
