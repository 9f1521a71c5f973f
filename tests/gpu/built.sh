#!/usr/bin/env bash
# That the CUDA side and the programs for a GPU machine are built: built.sh BUILD_FOLDER.
set -euo pipefail
cd "$1"
for program in gpu_check gpu_benchmark gpu_profile; do
  [ -x "$program" ] || { echo "$program was not built"; exit 1; }
done
names=$(nm -D --defined-only libdiffinv_cuda.so)
for name in diffinv_cuda_version diffinv_nccl_collective diffinv_step_graph; do
  grep -q " T $name\$" <<<"$names" || { echo "libdiffinv_cuda.so has no $name"; exit 1; }
done
needed=$(readelf -d libdiffinv_cuda.so)
for library in libtorch_cuda libnccl; do
  grep -q "NEEDED.*$library" <<<"$needed" || { echo "libdiffinv_cuda.so does not bring $library in"; exit 1; }
done
echo 'the CUDA side is whole'
