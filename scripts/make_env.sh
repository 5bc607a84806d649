#!/bin/sh
# make_env.sh FOLDER LOCK: makes a Python environment with every package at LOCK's version and hash.
# Costs nothing when FOLDER is current; a half-made or outdated FOLDER is made anew. Uses uv when it is
# on PATH, else venv and pip. PYTHON=/path/to/python chooses the interpreter by hand.
set -eu
folder=$1
lock=$2

say() { printf '%s\n' "setup: $*" >&2; }

# Prints "3.12.1" if $1 runs and is a version the project supports (>= 3.11, < 3.15), else fails.
# Running it is the point: a version manager's shim stands on PATH for versions that are not active.
fitting_version() {
    "$1" -c 'import sys
v = sys.version_info
print(".".join(map(str, v[:3]))) if (3, 11) <= v[:2] < (3, 15) else sys.exit(1)' 2>/dev/null
}

# Sets python and version. Without uv the interpreter must also bring venv and ensurepip, which
# Debian packages apart.
find_python() {
    without_venv=''
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else
        set -- python3.13 python3.12 python3.14 python3.11 python3 python /usr/bin/python3
    fi
    for candidate in "$@"; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        version=$(fitting_version "$candidate") || continue
        # The interpreter itself, not the shim: a shim may answer otherwise in another folder.
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        if [ -n "$uv" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null; then return 0; fi
        without_venv=${without_venv:-$version}
    done
    if [ -n "$without_venv" ]; then
        say "Python $without_venv is here, but without venv and ensurepip." \
            "On Debian or Ubuntu: apt-get install python${without_venv%.*}-venv"
    else
        say "no Python 3.11 to 3.14 that runs was found (tried: $*). Install one" \
            "(Debian or Ubuntu: apt-get install python3 python3-venv) or set PYTHON=/path/to/python."
    fi
    exit 1
}

# The stamp says what was installed and where: an environment's scripts hold absolute paths.
stamp="$(cksum <"$lock") $(cd "$(dirname "$folder")" 2>/dev/null && pwd)/$(basename "$folder")"
if [ "$(cat "$folder/.lock-stamp" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

# Trust what the machine trusts, as pip does: behind a company proxy uv's own roots are not enough.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_PYTHON_DOWNLOADS=never
uv=''
if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then uv=uv; fi
find_python
say "making $folder from $lock with Python $version and ${uv:-pip}"
# From scratch, so that nothing stays behind that the lock no longer names, or from a broken attempt.
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
# --no-deps: the lock is complete, and older pips trip over hashes of packages that have extras.
if [ -n "$uv" ]; then
    uv venv --quiet --no-project --python "$python" "$folder"
    uv pip install --quiet --python "$folder" --no-deps --require-hashes -r "$lock"
else
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r "$lock"
fi
stamp="$(cksum <"$lock") $(cd "$(dirname "$folder")" && pwd)/$(basename "$folder")"
printf '%s\n' "$stamp" >"$folder/.lock-stamp"
