#!/usr/bin/env bash
# A throw-away Slurm cluster of emulated nodes on this machine, with a real slurmctld and fake GPUs:
#   cluster_up.sh DIR [NODES=2] [CPUS=4] [GPUS=2]   starts it and writes DIR/environment, to be sourced
#   cluster_up.sh --down DIR                        ends it and removes DIR
# Needs root, and Debian's packages slurm-wlm and munge (cluster/setup.sh --slurm).
set -euo pipefail

fail() { printf 'cluster_up: %s\n' "$*" >&2; exit 4; }

# Ends what one of our pid files names, and waits for it.
end_daemon() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

down() {
  local dir=$1 job file
  [ -e "$dir/slurm.conf" ] || return 0
  export SLURM_CONF="$dir/slurm.conf"
  if timeout 5 scancel --user=root --quiet 2>/dev/null; then
    for _ in $(seq 80); do [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break; sleep 0.1; done
  fi
  # Step daemons of jobs that did not end carry the spool's folder in their environment's SLURM_CONF.
  for file in /proc/[0-9]*/environ; do
    job=${file%/environ}; job=${job#/proc/}
    [ "$job" != $$ ] && [ "$job" != "$PPID" ] && grep -qs "slurmstepd" "/proc/$job/comm" &&
      { tr '\0' '\n' <"$file" | grep -qxF "SLURM_CONF=$dir/slurm.conf"; } 2>/dev/null && kill -9 "$job" 2>/dev/null || true
  done
  for file in "$dir"/slurmd-*.pid "$dir/slurmctld.pid" "$dir/munge/pid"; do end_daemon "$file"; done
  rm -rf "$dir"
}

if [ "${1:-}" = --down ]; then
  [ -n "${2:-}" ] || fail 'usage: cluster_up.sh --down DIR'
  down "$(realpath -m "$2")"
  exit 0
fi

[ -n "${1:-}" ] || fail 'usage: cluster_up.sh DIR [NODES] [CPUS] [GPUS]'
dir=$(realpath -m "$1"); nodes=${2:-2}; cpus=${3:-4}; gpus=${4:-2}; host=$(hostname -s)
[ "$(id -u)" -eq 0 ] || fail 'needs root'
for program in slurmctld slurmd munged sbatch; do
  command -v "$program" >/dev/null || fail "there is no $program; cluster/setup.sh --slurm installs it"
done
[ ! -e "$dir/slurm.conf" ] || fail "$dir is a cluster already"

# Ports that nobody has: one for the controller and one for each node.
mapfile -t ports < <(/usr/bin/python3 - "$((nodes + 1))" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("", 0))
for s in sockets: print(s.getsockname()[1])
PY
)

mkdir -p "$dir"/{state,spool,log,tmp,munge,msock}
chmod 755 "$dir" "$dir/msock"; chmod 700 "$dir/munge"
dd if=/dev/urandom of="$dir/munge/key" bs=1 count=1024 status=none; chmod 600 "$dir/munge/key"
{
  cat <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/msock/s
SlurmctldPort=${ports[0]}
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobcomp.log
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MinJobAge=3600
InactiveLimit=0
SlurmdTimeout=${SLURMD_TIMEOUT:-15}
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
GresTypes=gpu
CONF
  for i in $(seq "$nodes"); do
    mkdir -p "$dir/spool/n$i" "$dir/tmp/n$i"
    echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[i]} CPUs=$cpus Gres=gpu:$gpus State=UNKNOWN"
  done
  echo 'PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP'
} >"$dir/slurm.conf"
# Fake GPUs: only CUDA_VISIBLE_DEVICES is set.
echo "NodeName=n[1-$nodes] Name=gpu File=/dev/tty[0-$((gpus - 1))]" >"$dir/gres.conf"
# Emulated nodes share a host: over shared memory their ranks would collide.
cat >"$dir/environment" <<TEXT
export SLURM_CONF=$dir/slurm.conf OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=tcp,self
TEXT

trap 'down "$dir"' ERR
munged --force --key-file="$dir/munge/key" --socket="$dir/msock/s" --pid-file="$dir/munge/pid" \
  --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
export SLURM_CONF="$dir/slurm.conf"
slurmctld
for i in $(seq "$nodes"); do slurmd -N "n$i"; done
for _ in $(seq 150); do
  [ "$(sinfo -h -N -o %t 2>/dev/null | grep -c '^idle$')" = "$nodes" ] && exit 0
  sleep 0.1
done
sinfo -N >&2 || true
tail -n 20 "$dir"/log/*.log >&2
down "$dir"
fail 'Slurm did not come up'
