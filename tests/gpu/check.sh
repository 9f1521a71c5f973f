#!/usr/bin/env bash
# Every check and measurement of the GPU side, on the day that a GPU is at hand: see docs/gpu.md. Ends within 9 minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/gpu/check.sh [--build DIR] [--out DIR] [--build-only]
  --build DIR   default: build/gpu. Programs that are there are taken as they are (a build that was carried here);
                otherwise they are built: a CUDA toolkit, CMake, nlohmann-json and PyTorch 2.11 or newer are needed
  --out DIR     check.json and benchmark.json go there; default: the build folder
  --build-only  builds and stops
LIBTORCH_ROOT=DIR (with include/ and lib/) names the LibTorch; default: .deps/torch, else the torch of python3.
Exit codes: 0 all good, 1 something is not, 4 no GPU, or something to build or run with is missing.
TEXT
}
build=build/gpu out='' build_only=no
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --build-only) build_only=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
out=${out:-$build}
fail() { printf 'gpu check: %s\n' "$*" >&2; exit 4; }

# A torch that can run on a GPU brings all its libraries; .deps/torch of cluster/setup.sh is enough to build with.
python_torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null || true)
root=${LIBTORCH_ROOT:-$python_torch}
[ -n "$root" ] || { [ -e .deps/torch/lib ] && root=$PWD/.deps/torch; }
[ -n "$root" ] || fail 'there is no PyTorch; pip install torch==2.11.0, or set LIBTORCH_ROOT'

if [ ! -x "$build/gpu_check" ] || [ ! -x "$build/gpu_benchmark" ]; then
  command -v nvcc >/dev/null || fail "there is no nvcc to build with, and $build holds no build"
  LIBTORCH_ROOT=$root cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DDIFFINV_CUDA=ON \
    -DDIFFINV_GPU_CHECK=ON -DDIFFINV_TESTS=OFF -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON >"$build.log" 2>&1 ||
    { tail -n 5 "$build.log" >&2; fail "cmake failed, see $build.log"; }
  cmake --build "$build" -j "$(nproc)" >>"$build.log" 2>&1 || { tail -n 20 "$build.log" >&2; fail "the build failed, see $build.log"; }
fi
[ "$build_only" = no ] || exit 0

wheels=$(printf ':%s' "$root"/../nvidia/*/lib)
export LD_LIBRARY_PATH=$root/lib$wheels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CUBLAS_WORKSPACE_CONFIG=:4096:8
missing=$(ldd "$build/gpu_check" "$build/libdiffinv_cuda.so" | awk '/not found/ { print $1 }' | sort -u | tr '\n' ' ')
[ -z "$missing" ] || fail "$root cannot run on a GPU, missing: $missing; pip install torch==2.11.0 brings all"
mkdir -p "$out"
code=0
begin=$SECONDS # the build does not count
timeout -k 5 150 "$build/gpu_check" tests/golden "$out/check.json" || code=$?
[ "$code" -ne 4 ] || exit 4
timeout -k 5 300 "$build/gpu_benchmark" "$out/benchmark.json" || code=1
sanitizer=$(command -v compute-sanitizer || true)
if [ -n "$sanitizer" ]; then
  timeout -k 5 "$((530 - SECONDS + begin))" "$sanitizer" --error-exitcode 9 --launch-count 400 "$build/gpu_check" tests/golden "$out/sanitized.json" \
    >"$out/sanitizer.log" 2>&1 || {
      [ $? -ne 124 ] || { echo 'sanitizer  not finished in the time that was left'; exit "$code"; }
      echo "sanitizer  FAIL: see $out/sanitizer.log"
      code=1
    }
  tail -n 2 "$out/sanitizer.log"
else
  echo 'sanitizer  there is no compute-sanitizer here: not looked at'
fi
[ "$code" -eq 0 ] && echo 'gpu check: all good' || echo 'gpu check: something is not good'
exit "$code"
