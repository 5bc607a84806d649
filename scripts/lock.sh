#!/bin/sh
# Resolves every lock: the project's and those of scripts/tools. Pins that still fit stay; "--upgrade" renews.
# The locks hold no index address, so they install from whatever index a machine is set up to use.
set -eu
cd "$(dirname "$0")/.."
tools=${BUILD_DIR:-build}/tools
sh scripts/make_env.sh "$tools/uv" scripts/tools/uv/requirements.lock

compile() {
    UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" "$tools/uv/bin/uv" pip compile --quiet --no-header \
        --universal --python-version 3.11 --no-python-downloads --generate-hashes --no-emit-index-url "$@"
}
compile "$@" --group dev pyproject.toml --output-file requirements.lock
for tool in scripts/tools/*/requirements.in; do
    compile "$@" "$tool" --output-file "${tool%.in}.lock"
done
