#!/usr/bin/env bash
# That the installed program runs from anywhere, without the checkout's help: install.sh BUILD_FOLDER.
set -euo pipefail
folder=$(mktemp -d "${TMPDIR:-/tmp}/diffinv-install-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --prefix "$folder/prefix" >/dev/null
unset LD_LIBRARY_PATH
cd "$folder"
program=$folder/prefix/bin/diffinv
"$program" version | grep -q '^LibTorch ' || { echo 'version does not run'; exit 1; }
plan=$("$program" plan prefix/share/diffinv/quickstart/poster_table.ini)
grep -q '^plan digest ' <<<"$plan" || { echo "plan: $plan"; exit 1; }
[ -e prefix/share/diffinv/slurm/job.sh.in ] || { echo 'the Slurm template is missing'; exit 1; }
if [ -e "$1/libdiffinv_cuda.so" ]; then
  [ -e prefix/bin/libdiffinv_cuda.so ] || { echo 'the CUDA side is missing'; exit 1; }
fi
echo 'the installed program runs'
