#!/usr/bin/env bash
# Per-kernel times of a DPS step's network call and gradient: profile.sh [BATCH]. Builds as check.sh does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${DIFFINV_GPU_BUILD:-build/gpu}
tests/gpu/check.sh --build "$build" --build-only
python_torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null || true)
root=${LIBTORCH_ROOT:-${python_torch:-$PWD/.deps/torch}}
LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$build/gpu_profile" "${1:-8}"
