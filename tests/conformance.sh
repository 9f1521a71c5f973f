#!/usr/bin/env bash
# Compares the program with stored outputs of the field's reference implementations, a line per case: conformance.sh [FOLDER]
# FOLDER (default tests/golden) is any folder in the format of tests/golden/README.md.
set -euo pipefail
caller="$PWD"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder="${1:-$PWD/tests/golden}"
case "$folder" in /*) ;; *) folder="$caller/$folder" ;; esac

# Set-up and build say what they do on the error stream: the table alone is the output
cluster/setup.sh >&2
cmake --preset release >&2
cmake --build --preset release --target conformance >&2
OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive exec build/release/conformance "$folder"
