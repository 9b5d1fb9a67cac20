#!/usr/bin/env bash
# Make the virtual environment hold what the lock names, and nothing to do when it does.
#   tools/setup.sh run     what `discreet` needs
#   tools/setup.sh test    that, and what the tests need: tools, Chromium, redis-server, curl, and
#                          what builds the tag, IAB's libraries that the consent decoders are
#                          compared with, and axe-core that looks at the dashboard
#   tools/setup.sh mutation   that without the programs, and mutmut
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:?run, test or mutation}
venv=${VENV:-.venv}
stamp=$venv/discreet-setup
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '%s\n' "set-up: $*"; }
stop() {
    printf '%s\n' "set-up: $1" >&2
    exit 1
}
# Run a command and show what it printed only when it fails.
quietly() {
    "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        return 1
    }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}
may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}
apt_updated=
apt_update() {
    [ -z "$apt_updated" ] || return 0
    quietly as_root apt-get -qq -o DPkg::Lock::Timeout=120 update || say "apt-get update failed; trying with the lists at hand"
    apt_updated=yes
}
apt_install() {
    apt_update
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@"
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
# Debian and Ubuntu ship Python without ensurepip, which venv cannot do without.
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    local candidate fallback=
    for candidate in python3 python3.13 python3.12 python3.11; do
        recent "$candidate" || continue
        if complete "$candidate"; then
            python=$candidate
            return
        fi
        fallback=${fallback:-$candidate}
    done
    [ -n "$fallback" ] || stop "Python 3.11 or later is needed; on Debian 12 or Ubuntu: sudo apt-get install python3 python3-venv"
    python=$fallback
    local package
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    may_install || stop "Python's venv module is missing: sudo apt-get install $package"
    say "installing $package"
    apt_install "$package" || stop "could not install it: sudo apt-get install $package"
}

# The stamp says what was installed, from which lock, and where: scripts in a virtual
# environment name its path in their first line, so that a moved one is made anew.
has_mode= has_lock= has_path=
[ ! -f "$stamp" ] || read -r has_mode has_lock has_path <"$stamp" || true
lock=$(cat pyproject.toml requirements/*.txt | cksum | tr ' ' -)

usable() { recent "$venv/bin/python" && [ "${has_path:-$PWD}" = "$PWD" ]; }
# A test environment serves `run` too: the same versions and more.
current() { usable && [ "$has_lock" = "$lock" ] && { [ "$has_mode" = test ] || [ "$has_mode" = "$mode" ]; }; }

if ! current; then
    if ! usable; then
        find_python
        say "virtual environment in $venv ($("$python" --version))"
        quietly "$python" -m venv --clear "$venv" || stop "could not make $venv"
    fi
    rm -f "$stamp"
    pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps)
    say "packages of requirements/$mode.txt, by hash"
    quietly "${pip[@]}" --only-binary :all: --require-hashes -r "requirements/$mode.txt" ||
        stop "pip could not install requirements/$mode.txt; a network connection is needed once"
    say "discreet itself"
    quietly "${pip[@]}" --no-build-isolation -e . || stop "pip could not install the project"
    printf '%s\n' "$mode $lock $PWD" >"$stamp"
fi
[ "$mode" = test ] || exit 0

# From here on: programs that only the tests start.

# Ubuntu's chromium-browser is a stub that asks for snap, so the answer counts, not the name.
has_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1 </dev/null && return 0
    done
    "$venv/bin/python" - <<'PY' 2>/dev/null
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PY
}
apt_offers() {
    apt_update
    apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'
}

if ! has_chromium; then
    hint="Chromium is missing: sudo apt-get install chromium, or where apt has none (Ubuntu): sudo $venv/bin/python -m playwright install --with-deps chromium"
    may_install || stop "$hint"
    say "installing Chromium"
    if apt_offers chromium; then
        apt_install chromium || stop "$hint"
    else
        quietly as_root "$venv/bin/python" -m playwright install-deps chromium || stop "$hint"
        quietly "$venv/bin/python" -m playwright install chromium || stop "$hint"
    fi
    has_chromium || stop "$hint"
fi
for program in redis-server curl; do
    command -v "$program" >/dev/null && continue
    hint="$program is missing: sudo apt-get install $program"
    may_install || stop "$hint"
    say "installing $program"
    apt_install "$program" || stop "$hint"
done

if ! { command -v node && command -v npm; } >/dev/null; then
    hint="Node.js with npm is missing: sudo apt-get install nodejs npm"
    may_install || stop "$hint"
    say "installing Node.js and npm"
    apt_install nodejs npm || stop "$hint"
fi
for folder in tests/oracles tests/dashboards collector/tag; do
    npm_stamp=$folder/node_modules/discreet-setup
    npm_lock=$(cat $folder/package.json $folder/package-lock.json | cksum | tr ' ' -)
    [ "$(cat "$npm_stamp" 2>/dev/null || true)" != "$npm_lock" ] || continue
    say "packages of $folder/package-lock.json, by hash"
    quietly npm --prefix "$folder" ci --ignore-scripts ||
        stop "npm could not install $folder/package-lock.json; a network connection is needed once"
    printf '%s\n' "$npm_lock" >"$npm_stamp"
done
