#!/bin/sh
# Makes .venv: every dependency at the version and hash of requirements.lock, then this project, editable.
# Costs nothing when .venv is current. PYTHON=/path/to/python chooses the interpreter by hand.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*" >&2; }

# Prints "3.12.1" if $1 runs and is a version the project supports (>= 3.11, < 3.15), else fails.
# Running it is the point: a version manager's shim stands on PATH for versions that are not active.
fitting_version() {
    "$1" -c 'import sys
v = sys.version_info
print(".".join(map(str, v[:3]))) if (3, 11) <= v[:2] < (3, 15) else sys.exit(1)' 2>/dev/null
}

# Sets PYTHON_FOUND and VERSION_FOUND. Without uv the interpreter must also bring venv and ensurepip,
# which Debian packages apart.
find_python() {
    without_venv=''
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else
        set -- python3.13 python3.12 python3.14 python3.11 python3 python /usr/bin/python3
    fi
    for candidate in "$@"; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        VERSION_FOUND=$(fitting_version "$candidate") || continue
        # The interpreter itself, not the shim: a shim may answer otherwise in another folder.
        PYTHON_FOUND=$("$candidate" -c 'import sys; print(sys.executable)')
        if [ -n "$UV" ] || "$PYTHON_FOUND" -c 'import ensurepip, venv' 2>/dev/null; then return 0; fi
        without_venv=${without_venv:-$VERSION_FOUND}
    done
    if [ -n "$without_venv" ]; then
        say "Python $without_venv is here, but without venv and ensurepip." \
            "On Debian or Ubuntu: apt-get install python${without_venv%.*}-venv"
    else
        say "no Python 3.11 to 3.14 that runs was found (tried: $*)." \
            "Install one (Debian or Ubuntu: apt-get install python3 python3-venv) or set PYTHON=/path/to/python."
    fi
    exit 1
}

UV=''
if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then UV=uv; fi

# A stamp names what was installed and where: .venv cannot be moved, its scripts hold absolute paths.
lock_stamp="$(cksum <requirements.lock) $(pwd)"
project_stamp="$(cksum <pyproject.toml) $(pwd)"
lock_is_current() {
    [ "$(cat .venv/.lock-stamp 2>/dev/null)" = "$lock_stamp" ] && .venv/bin/python -c '' 2>/dev/null
}
project_is_current() { [ "$(cat .venv/.project-stamp 2>/dev/null)" = "$project_stamp" ]; }

if ! lock_is_current; then
    find_python
    say "making .venv with Python $VERSION_FOUND and ${UV:-pip} (once per change of requirements.lock)"
    # From scratch, so that nothing stays behind that the lock no longer names, or from a broken attempt.
    rm -rf .venv
    if [ -n "$UV" ]; then
        uv venv --quiet --no-project --no-python-downloads --python "$PYTHON_FOUND" .venv
        uv pip install --quiet --python .venv --require-hashes -r requirements.lock
    else
        "$PYTHON_FOUND" -m venv .venv
        .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
    fi
    printf '%s\n' "$lock_stamp" >.venv/.lock-stamp
fi

if ! project_is_current; then
    if [ -x .venv/bin/pip ]; then
        .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
    else
        uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
    fi
    printf '%s\n' "$project_stamp" >.venv/.project-stamp
    say "ready: .venv/bin/icscaler"
fi
