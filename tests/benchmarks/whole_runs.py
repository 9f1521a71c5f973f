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

import h5py

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run.sh",
        description="Prints this machine's float32 matrix rate and copy rate on one thread, what a network call reaches "
        "of it, and whole runs with 1 and 2 workers. Times are of one thread a worker.")
    parser.add_argument("--model", type=pathlib.Path, default=SOURCE / "jobs/quickstart/model",
                        help="checkpoint: safetensors with settings, or a folder; default: the embedded one")
    parser.add_argument("--images", type=pathlib.Path, default=SOURCE / "jobs/quickstart/images",
                        help="dataset of the whole runs; default: the quickstart's")
    parser.add_argument("--sides", default="", help="of network calls, as 64,256; default: the checkpoint's own")
    parser.add_argument("--batches", default="1,4,8,16", help="of network calls; default: 1,4,8,16")
    parser.add_argument("--method", default="dps", help="of the whole runs; default: dps")
    parser.add_argument("--steps", type=int, default=100, help="of the whole runs; default: 100")
    parser.add_argument("--workers", default="1,2", help="of the whole runs; default: 1,2")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/release")
    parser.add_argument("--short", action="store_true", help="everything once and small: does it still run?")
    given = parser.parse_args()
    if given.short:
        given.batches, given.steps = "2", 2
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
            text = called([given.build / "diffinv", "calibrate", given.model, "--device", "cpu", "--batch", batch]
                          + (["--image-size", side] if side else []), env=environment)
            found = re.search(rf"(\d+x\d+), batch.*?: {number} s an image for a network call \({number} GFLOP/s\), "
                              rf"{number} s with its gradient \({number} GFLOP/s\)", text)
            size, forward, rate, gradient, both = found.group(1), *map(float, found.groups()[1:])
            print(f"{size + ', batch ' + batch:24}{forward:12.4f}{rate:9.0f}{rate * 1e9 / matrix:7.0%}"
                  f"{gradient:12.4f}{both:9.0f}{both * 1e9 / matrix:7.0%}")
    print()


def whole_run(given, workers, folder, environment):
    """One run, told by its own journal and results."""
    job = folder / "job.ini"
    job.write_text(f"dataset = {given.images}\nmodel = {given.model}\nmethod = {given.method}\noperator = box\n"
                   f"steps = {given.steps}\nbatch = 4\nseed = 1\n[box]\nsize = 24\n")
    output = folder / f"on-{workers}"
    begin = time.monotonic()
    words = [given.build / "diffinv", "run", job, "--workers", str(workers), "--output", output]
    with open(folder / "run.log", "w") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin
    if process.returncode != 0:
        sys.exit(f"the run ended with exit code {process.returncode}\n{(folder / 'run.log').read_text()}")
    events = [json.loads(line) for line in (output / "journal.jsonl").read_text().splitlines()]
    committed = [event for event in events if event["event"] == "committed"]
    sampling = sum(event["seconds_sampling"] for event in committed)
    units = sum(event["seconds"] for event in committed)
    with h5py.File(output / "results.h5") as results:
        calls = int(results["nfe"][:].sum())
        images = len(results["nfe"])
    memory = used.ru_maxrss / 1024  # of the largest of the run's processes
    print(f"{workers:7}{images:8}{wall:9.2f}{images / wall:12.3f}{sampling / calls:16.5f}{1 - sampling / units:16.2%}"
          f"{1 - sampling / (workers * wall):15.1%}{memory:13.0f}")


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="diffinv-bench-") as name:
        # The costs that calibrate stores are not this user's.
        environment = dict(os.environ, XDG_CACHE_HOME=name, OMP_NUM_THREADS="1")
        matrix = roofline(given)
        network_calls(given, matrix, environment)
        print(f"whole runs: {given.method}, box, {given.steps} steps, batch 4")
        print(f"{'workers':>7}{'images':>8}{'wall s':>9}{'images/s':>12}{'s/image/call':>16}{'unit unsampled':>16}"
              f"{'run unsampled':>15}{'largest MiB':>13}")
        for workers in map(int, given.workers.split(",")):
            whole_run(given, workers, pathlib.Path(name), environment)
        print("\nunit unsampled: share of a unit's seconds outside sampling (reading, A, metrics, its file). run unsampled: "
              "share of the workers' wall time, start, merge and idling at the end included. largest MiB: peak memory of "
              "the largest process.")


main()
