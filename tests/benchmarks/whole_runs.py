"""Roofline, network calls and whole runs on this machine, as a table. See --help."""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import compare_peers
import growth
from measured_run import Run

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run.sh",
        description="Prints this machine's float32 matrix rate and copy rate on one thread, what a network call reaches "
        "of it, and whole runs with 1 and 2 workers; or, with --peers, the sampling beside that of others. Times are of "
        "one thread a worker.")
    parser.add_argument("--model", type=pathlib.Path,
                        help="checkpoint: safetensors with settings, or a folder; default: the embedded one")
    parser.add_argument("--images", type=pathlib.Path, default=SOURCE / "jobs/quickstart/images",
                        help="dataset of the whole runs; default: the quickstart's")
    parser.add_argument("--sides", default="", help="of network calls, as 64,256; default: the checkpoint's own")
    parser.add_argument("--batches", help="of network calls and of the peers' turns; default: 1,4,8,16 and 1,2,4,8")
    parser.add_argument("--method", default="dps", help="of the whole runs; default: dps")
    parser.add_argument("--steps", type=int, default=100, help="of the whole runs; default: 100")
    parser.add_argument("--workers", default="1,2", help="of the whole runs; default: 1,2")
    parser.add_argument("--peers", type=pathlib.Path, help="a Python environment with the reference implementations: times "
                        "them in turn with ours on --model, or on a network of 17 M parameters at 64²")
    parser.add_argument("--rounds", type=int, default=3, help="of the peers' turns; default: 3")
    parser.add_argument("--growth", action="store_true", help="instead: how costs grow with size, batch, steps, workers, "
                        "images and units, beside the expected laws")
    parser.add_argument("--most-images", type=int, default=10000, help="of --growth, up to 100000; default: 10000")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/release")
    parser.add_argument("--short", action="store_true", help="everything once and small: does it still run?")
    given = parser.parse_args()
    given.program = given.build / "diffinv"
    given.small_model = SOURCE / "tests/golden/weights/gd_e.safetensors"
    given.batches = given.batches or ("1,2,4,8" if given.peers else "1,4,8,16")
    if given.short:
        given.batches, given.steps, given.rounds = "2", 2, 1
    return given


def called(words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def roofline(given):
    """FLOP/s of a float32 matrix product of 2048 and bytes a second of a copy, medians of five."""
    repeats = 1 if given.short else 5
    text = called([given.build / "tests/bench_parts", "--benchmark_filter=^(matrix_product/2048|copy)$",
                   f"--benchmark_repetitions={repeats}", "--benchmark_format=json"]
                  + (["--benchmark_min_time=0"] if given.short else []))
    runs = [run for run in json.loads(text)["benchmarks"] if run["run_type"] == "iteration"]
    matrix = statistics.median(run["FLOP/s"] for run in runs if run["name"].startswith("matrix"))
    copy = statistics.median(run["bytes_per_second"] for run in runs if run["name"].startswith("copy"))
    print(f"one thread: matrix product {matrix / 1e9:.0f} GFLOP/s, copy {copy / 1e9:.1f} GB/s\n")
    return matrix


def network_calls(given, matrix, environment):
    print(f"{'network call':24}{'s an image':>12}{'GFLOP/s':>9}{'share':>7}{'with vjp':>12}{'GFLOP/s':>9}{'share':>7}")
    number = r"([0-9.e+-]+)"
    for side in given.sides.split(",") if given.sides else [""]:
        for batch in given.batches.split(","):
            text = called([given.program, "calibrate", given.model, "--device", "cpu", "--batch", batch]
                          + (["--image-size", side] if side else []), env=environment)
            found = re.search(rf"(\d+x\d+), batch.*?: {number} s an image for a network call \({number} GFLOP/s\), "
                              rf"{number} s with its gradient \({number} GFLOP/s\)", text)
            size, forward, rate, gradient, both = found.group(1), *map(float, found.groups()[1:])
            print(f"{size + ', batch ' + batch:24}{forward:12.4f}{rate:9.0f}{rate * 1e9 / matrix:7.0%}"
                  f"{gradient:12.4f}{both:9.0f}{both * 1e9 / matrix:7.0%}")
    print()


def run_of(given, model, steps, batch, workers, environment, folder, *more):
    return Run(given.program, [f"dataset = {given.images}", f"model = {model}", f"method = {given.method}", "operator = box",
                               f"steps = {steps}", f"batch = {batch}", "seed = 1", *more, "[box]", "size = 24"],
               workers, environment, folder)


def whole_runs(given, folder, environment):
    print(f"whole runs: {given.method}, box, {given.steps} steps, batch 4")
    print(f"{'workers':>7}{'images':>8}{'wall s':>9}{'images/s':>12}{'s/image/call':>16}{'unit unsampled':>16}"
          f"{'run unsampled':>15}{'largest MiB':>13}")
    for workers in map(int, given.workers.split(",")):
        run = run_of(given, given.model, given.steps, 4, workers, environment, folder)
        print(f"{workers:7}{run.images:8}{run.wall:9.2f}{run.images / run.wall:12.3f}{run.sampling / run.calls:16.5f}"
              f"{1 - run.sampling / run.units:16.2%}{1 - run.sampling / (workers * run.wall):15.1%}{run.memory:13.0f}")
    print("\nunit unsampled: share of a unit's seconds outside sampling (reading, A, metrics, its file). run unsampled: "
          "share of the workers' wall time, start, merge and idling at the end included. largest MiB: peak memory of "
          "the largest process.\n")


def beside_peers(given, folder, environment):
    peers = compare_peers.Peers(given.peers, SOURCE / "tests/benchmarks/peer.py")
    given.method, steps = "dps", min(given.steps, 10)
    model = given.model
    if model is None:
        model = folder / "network"
        peers.call("make", model, "--settings", json.dumps(compare_peers.NETWORK))
    batches = [int(batch) for batch in given.batches.split(",")]
    side = json.loads((model / "config.json").read_text())["model"]["image_size"]

    def run_ours(batch):
        run = run_of(given, model, steps, batch, 1, environment, folder, f"images = 0-{max(batches) - 1}")
        return run.sampling / run.calls, run.memory

    print(f"beside {peers.versions()}, {steps} steps of dps on one thread")
    compare_peers.compare(peers, model, side, batches, steps, given.rounds, run_ours)


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="diffinv-bench-") as name:
        folder = pathlib.Path(name)
        # The costs that calibrate stores are not this user's.
        environment = dict(os.environ, XDG_CACHE_HOME=name, OMP_NUM_THREADS="1")
        matrix = roofline(given)
        if given.peers:
            beside_peers(given, folder, environment)
            return
        given.model = given.model or SOURCE / "jobs/quickstart/model"
        if given.growth:
            growth.grow(given, environment, folder)
            return
        network_calls(given, matrix, environment)
        whole_runs(given, folder, environment)


main()
