#!/usr/bin/env bash
# From a fresh Debian 12 machine to a table of restorations: sets up, builds, runs poster_table.ini on a coordinator and two
# workers, and prints the table and where the results are. Options are passed on to `diffinv run`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cluster/setup.sh
cmake --preset release
cmake --build --preset release --target diffinv
build/release/diffinv run jobs/quickstart/poster_table.ini --workers 2 --output build/quickstart "$@"
build/release/diffinv report build/quickstart --png --csv
