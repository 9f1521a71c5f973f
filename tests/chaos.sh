#!/usr/bin/env bash
# Kills workers, coordinators and launchers of real runs at random moments, continues every run with the same command,
# and compares all its bytes with an undisturbed run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: tests/chaos.sh RUNS [--seed S] [--program PATH]
  RUNS            runs, each of which is killed at least once
  --seed S        of the victims and moments; default: 1
  --program PATH  default: build/release/diffinv
Exit codes: 0 every run was completed with the same bytes and left nothing behind, 1 one was not.
TEXT
}

runs= seed=1 program=build/release/diffinv
while [ $# -gt 0 ]; do
  case $1 in
    --seed) seed=$2; shift 2 ;;
    --program) program=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *[!0-9]* | '') usage >&2; exit 2 ;;
    *) runs=$1; shift ;;
  esac
done
[ -n "$runs" ] || { usage >&2; exit 2; }
program=$(realpath "$program")
RANDOM=$seed

folder=$(mktemp -d "${TMPDIR:-/tmp}/diffinv-chaos-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cat >"$folder/job.ini" <<JOB
dataset = $PWD/jobs/quickstart/images
model = $PWD/jobs/quickstart/model
images = 0-3
batch = 2
seed = 3
steps = 8
method = sdedit, ddpm, dps
operator = box
[sdedit]
t-start = 1000
[ddpm]
samples = 8
JOB

. tests/support/runs.sh
fail() { printf 'chaos: run %s: %s\n' "$1" "$2" >&2; tail -n 5 "$folder/log" "$folder/$1/logs/mpirun.log" >&2 || true; exit 1; }

"$program" run "$folder/job.ini" --output "$folder/whole" --workers 2 >/dev/null
digests "$folder/whole" >"$folder/expected"

declare -A kills=([worker]=0 [coordinator]=0 [mpirun]=0 [program]=0 [late]=0)
begin=$SECONDS
for ((run = 1; run <= runs; ++run)); do
  out=$folder/$run
  ahead=$((run % 2))  # every second run's workers hold two units
  "$program" run "$folder/job.ini" --output "$out" --workers 2 --work-ahead "$ahead" >"$folder/log" 2>&1 &
  launcher=$!
  victims=(worker coordinator mpirun program)
  victim=${victims[RANDOM % 4]}
  sleep "$((RANDOM % 4)).$((RANDOM % 1000 + 1000))"
  # One that is not there yet, or is about to be replaced, is waited for; none is left where the run is over.
  pid=
  while [ -z "$pid" ] && kill -0 "$launcher" 2>/dev/null; do
    case $victim in
      worker) pid=$(ranks "$out" | awk '$2 > 0 { print $1 }' | shuf -n 1 --random-source=<(yes "$RANDOM")) ;;
      coordinator) pid=$(ranks "$out" | awk '$2 == 0 { print $1 }' | head -n 1) ;;
      mpirun) pid=$(pgrep -P "$launcher" mpirun || true) ;;
      program) pid=$launcher ;;
    esac
  done
  if [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; then kills[$victim]=$((kills[$victim] + 1)); else kills[late]=$((kills[late] + 1)); fi
  code=0
  wait "$launcher" 2>/dev/null || code=$?
  # The same command, until all is done: once is enough.
  if [ "$code" -ne 0 ]; then
    "$program" run "$folder/job.ini" --output "$out" --workers 2 --work-ahead "$ahead" >"$folder/log" 2>&1 ||
      fail "$run" "not completed after its $victim was killed (exit code $?; the killed run's was $code)"
  fi
  digests "$out" | cmp -s - "$folder/expected" || fail "$run" "other bytes after its $victim was killed"
  [ -z "$(find "$out" -name '*.tmp')" ] || fail "$run" "temporary files are left"
  for _ in $(seq 30); do pgrep -f "diffinv rank $out " >/dev/null || break; sleep 0.1; done
  ! pgrep -f "diffinv rank $out " >/dev/null || fail "$run" "processes are left"
  rm -rf "$out"
done
printf 'chaos: %s runs, all completed with the same bytes, in %s s; killed: ' "$runs" "$((SECONDS - begin))"
printf '%s workers, %s coordinators, %s mpirun, %s programs; %s runs were over before\n' \
  "${kills[worker]}" "${kills[coordinator]}" "${kills[mpirun]}" "${kills[program]}" "${kills[late]}"
