#!/usr/bin/env bash
# All tests, the long ones too: tests/run.sh, a hundred runs killed at random, and the whole Slurm suite. Needs root;
# about an hour on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cluster/setup.sh --lpips-vgg --slurm
tests/run.sh
tests/chaos.sh 100
tests/slurm.sh
