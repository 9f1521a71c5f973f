#!/usr/bin/env bash
# How fast this machine samples, beside what it could: the table of tests/benchmarks/NOTES.md. The machine must be quiet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec /usr/bin/python3 tests/benchmarks/whole_runs.py "$@"
