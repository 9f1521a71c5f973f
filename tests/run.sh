#!/usr/bin/env bash
# Sets up, builds and runs all tests. Options are passed on to ctest (-R NAME, -V, …).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cluster/setup.sh
cmake --preset release
cmake --build --preset release
ctest --preset release --no-tests=error -j 2 "$@"
