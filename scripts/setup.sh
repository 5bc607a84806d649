#!/bin/sh
# Makes .venv: the packages of requirements.lock, then this project, editable. A second run costs nothing.
set -eu
cd "$(dirname "$0")/.."
sh scripts/make_env.sh .venv requirements.lock

stamp=$(cksum <pyproject.toml)
if [ "$(cat .venv/.project-stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi
# No build isolation: the build backend is in the lock, so nothing unpinned is fetched.
if [ -x .venv/bin/pip ]; then
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
elif command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
else # made by a uv that is gone
    rm -rf .venv
    exec sh scripts/setup.sh
fi
printf '%s\n' "$stamp" >.venv/.project-stamp
printf '%s\n' 'setup: ready, .venv/bin/icscaler' >&2
