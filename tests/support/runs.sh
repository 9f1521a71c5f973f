# Sourced by scripts that break real runs: what a run consists of, on disk and in /proc.

# Digests of all that the job determines in the run's folder $1.
digests() { (cd "$1" && find units measurements -type f | sort | xargs sha256sum); }

# Ranks of the run in the folder $1 as "PID RANK", by what mpirun has put into their environment.
ranks() {
  local pid
  for pid in $(pgrep -f "^[^ ]*diffinv rank $1 " || true); do
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | sed -n "s/^OMPI_COMM_WORLD_RANK=/$pid /p" || true
  done
}
