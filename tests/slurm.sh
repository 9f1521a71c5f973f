#!/usr/bin/env bash
# Submits real runs to a throw-away Slurm cluster of emulated nodes on this machine (a real slurmctld, fake GPUs), breaks
# them, and compares their bytes with an undisturbed run. Needs root, and the packages of `cluster/setup.sh --slurm`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: tests/slurm.sh [--quick] [--program PATH]
  --quick         only submit, a killed worker, and cancel
  --program PATH  default: build/release/diffinv
Exit codes: 0 all passed, 1 one failed, 4 not root or packages are missing.
TEXT
}
quick=no program=build/release/diffinv
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes; shift ;;
    --program) program=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
[ "$(id -u)" -eq 0 ] || { echo 'slurm: needs root, for a slurmctld and slurmds of its own' >&2; exit 4; }
command -v slurmctld munged >/dev/null || { echo 'slurm: there is no slurmctld; cluster/setup.sh --slurm installs it' >&2; exit 4; }
program=$(realpath "$program")

folder=$(mktemp -d "${TMPDIR:-/tmp}/diffinv-slurm-XXXXXX")
chmod 755 "$folder"
cleanup() { tests/slurm/cluster_up.sh --down "$folder/cluster" || true; rm -rf "$folder"; }
trap cleanup EXIT

job_file() { # NAME SAMPLES
  cat >"$folder/$1.ini" <<JOB
dataset = $PWD/jobs/quickstart/images
model = $PWD/jobs/quickstart/model
images = 0-3
batch = 2
seed = 3
steps = 20
method = sdedit, ddpm
operator = box
[sdedit]
t-start = 1000
[ddpm]
samples = $2
JOB
}
. tests/support/runs.sh
committed() { find "$folder/$1/units" -name '*.h5' 2>/dev/null | wc -l; }
pass() { printf 'PASS %-14s %3d s  %s\n' "$1" "$((SECONDS - begin))" "${2:-}"; }
fail() {
  printf 'FAIL %s: %s\n' "$1" "$2"
  tail -n 15 "$folder/$1"/logs/slurm-*.log "$folder/$1/logs/mpirun.log" 2>/dev/null || true
  exit 1
}
submit() { # NAME JOB OPTIONS…
  local name=$1 job=$2
  shift 2
  begin=$SECONDS
  "$program" submit "$folder/$job.ini" --output "$folder/$name" "$@" >"$folder/$name.txt" 2>&1 || {
    cat "$folder/$name.txt"
    fail "$name" 'not submitted'
  }
  id=$(sed -n 's/^Slurm job \([0-9]*\):.*/\1/p' "$folder/$name.txt")
}
state() { scontrol show job -o "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | sort -u; }
# Until the job, with all its elements, has ended; a requeued one need not wait its two minutes.
wait_end() { # NAME ID [STATE]: any end, or only this one
  local states ended=0 pending_since= deadline=$((SECONDS + 240))
  while [ $SECONDS -lt $deadline ]; do
    states=$(state "$2")
    # Not at once: a node that has just been told to forget the job refuses what was signed within the same second.
    if grep -q PENDING <<<"$states"; then
      pending_since=${pending_since:-$SECONDS}
      [ $((SECONDS - pending_since)) -lt 3 ] || scontrol update jobid="$2" StartTime=now 2>/dev/null || true
    else
      pending_since=
    fi
    if [ -n "${3:-}" ]; then
      [ "$states" != "$3" ] || return 0
      sleep 0.4
      continue
    fi
    # A job that is put back looks ended for a moment.
    if grep -qvE 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL' <<<"$states"; then ended=0; else ended=$((ended + 1)); fi
    [ $ended -lt 8 ] || return 0
    sleep 0.4
  done
  fail "$1" "job $2 does not end well: $(tr '\n' ' ' <<<"$states")"
}
wait_units() { # NAME COUNT
  for _ in $(seq 400); do [ "$(committed "$1")" -ge "$2" ] && return; sleep 0.1; done
  fail "$1" "no $2 units after 40 s"
}
expect_whole() { # NAME JOB
  digests "$folder/$1" | cmp -s - "$folder/$2.expected" || fail "$1" "other bytes than an undisturbed run, or not all of them ($(committed "$1") units)"
  [ -z "$(find "$folder/$1" -name '*.tmp')" ] || fail "$1" 'temporary files are left'
  "$program" status "$folder/$1" --json | grep -q '"state": "finished"' || fail "$1" "status: $("$program" status "$folder/$1")"
}
job_file small 16
"$program" run "$folder/small.ini" --output "$folder/local" --workers 2 >/dev/null
digests "$folder/local" >"$folder/small.expected"
# One worker is to need about twice the minute that is its limit, however fast this machine is.
unit_seconds=$(sed -n 's/.*"committed".*"seconds":\([0-9.]*\),.*/\1/p' "$folder/local/journal.jsonl" | sort -n | head -n 5 | tail -n 1)
job_file long "$(awk -v s="$unit_seconds" 'BEGIN { print 2 * int(110 / s + 1) }')"
tests/slurm/cluster_up.sh "$folder/cluster" 3 4 2
# shellcheck disable=SC1091
. "$folder/cluster/environment"

submit plain small --nodes 2 --gpus-per-node 1 --time 5
wait_end plain "$id"
[ "$(state "$id")" = COMPLETED ] || fail plain "$(state "$id")"
expect_whole plain small
nodes=$(sed -n 's/.*begins on \([^,]*\),.*/\1/p' "$folder/plain"/logs/slurm-"$id".log)
"$program" status "$folder/plain" | grep -q "$id" || fail plain 'status does not name the Slurm job'
pass plain "on $nodes"

submit worker small --nodes 2 --gpus-per-node 1 --time 5
wait_units worker 1
kill -KILL "$(ranks "$folder/worker" | awk '$2 == 2 { print $1 }')"
wait_end worker "$id"
[ "$(state "$id")" = COMPLETED ] || fail worker "$(state "$id")"
expect_whole worker small
grep -q '"died"' "$folder/worker/journal.jsonl" || fail worker 'nothing died'
pass worker 'killed; the run went on'

submit cancel small --nodes 2 --gpus-per-node 1 --time 5
wait_units cancel 1
"$program" status "$folder/cancel" | grep -q running || fail cancel 'status does not say that it runs'
"$program" cancel "$folder/cancel" >/dev/null
wait_end cancel "$id"
scontrol show job -o "$id" | grep -q 'ExitCode=143:0' || fail cancel "$(scontrol show job -o "$id" | grep -o 'ExitCode=[^ ]*')"
[ "$(committed cancel)" -lt 10 ] || fail cancel 'it was over before'
submit cancel small --nodes 1 --gpus-per-node 2 --time 5
wait_end cancel "$id"
expect_whole cancel small
pass cancel 'from the folder, and submitted again'

if [ "$quick" = no ]; then
  submit node small --nodes 3 --gpus-per-node 1 --time 5
  wait_units node 1
  # The node of rank 3 is lost: its daemons, mpirun's daemon and the rank.
  pid=$(ranks "$folder/node" | awk '$2 == 3 { print $1 }')
  lost=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^SLURMD_NODENAME=//p')
  orted=$(ps -o ppid= -p "$pid" | tr -d ' ')
  kill -KILL "$(cat "$folder/cluster/slurmd-$lost.pid")" "$orted" "$pid" 2>/dev/null || true
  wait_end node "$id"
  expect_whole node small
  pass node "$lost lost; job $(state "$id")"
  slurmd -N "$lost"
  for _ in $(seq 300); do [ "$(sinfo -h -N -o %t | grep -c '^idle$')" = 3 ] && break; sleep 0.1; done

  "$program" run "$folder/long.ini" --output "$folder/local-long" --workers 2 >/dev/null
  digests "$folder/local-long" >"$folder/long.expected"
  submit limit long --nodes 1 --gpus-per-node 1 --time 1
  wait_end limit "$id" COMPLETED
  expect_whole limit long
  log=$folder/limit/logs/slurm-$id.log
  grep -q 'incomplete: back in the queue' "$log" || fail limit 'never requeued'
  pass limit "$(grep -c 'back in the queue' "$log") requeues at the time limit"

  submit array small --nodes 1 --gpus-per-node 1 --time 5 --array 3
  wait_end array "$id" COMPLETED
  expect_whole array small
  [ "$(find "$folder/array" -name 'journal-shard-*-of-3.jsonl' | wc -l)" -eq 3 ] || fail array 'not three shards'
  pass array '3 shards'
fi

left=$(pgrep -fc "diffinv (run|rank) .*$folder" || true)
[ "$left" -eq 0 ] || { echo "FAIL: $left processes are left"; exit 1; }
tests/slurm/cluster_up.sh --down "$folder/cluster"
echo 'slurm: all passed'
