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

import compare_peers
import growth
from measured_run import Called, Run

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
    parser.add_argument("--growth", nargs="?", const="size,batch,steps,workers,images", metavar="LIST", help="instead: how costs grow with size, batch, steps, workers, "
                        "images and units, beside the expected laws; of LIST alone, as steps,images")
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


def timed_parts(given, filtered, *more):
    """bench_parts' runs whose names fit, by name: seconds, FLOP/s, bytes_per_second; medians of three."""
    words = [given.build / "tests/bench_parts", f"--benchmark_filter={filtered}", "--benchmark_format=json", *more]
    words += ["--benchmark_min_time=0"] if given.short else ["--benchmark_repetitions=3"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench_parts: exit code {done.returncode}\n{done.stderr}")
    runs = {}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            runs.setdefault(run["run_name"], []).append(run)
    found = {}
    for name, of_name in runs.items():
        seconds = statistics.median(run["real_time"] for run in of_name) / 1e3  # all are told in milliseconds
        counts = [of_name[0].get(rate, 0) * of_name[0]["real_time"] / 1e3 for rate in ("FLOP/s", "bytes_per_second")]
        found[name] = {"seconds": seconds, "flop": counts[0] / seconds, "bytes": counts[1] / seconds}
    return found


def roofline(given):
    roof = timed_parts(given, "^(matrix_product/2048|copy)$")
    matrix, copy = roof["matrix_product/2048"]["flop"], roof["copy"]["bytes"]
    print(f"one thread: matrix product {matrix / 1e9:.0f} GFLOP/s, copy {copy / 1e9:.1f} GB/s\n")
    return matrix, copy


def network_calls(given, matrix, copy):
    """FLOP and bytes are those of the formulas: least_bytes in parts.cpp, forward_flop of the program."""
    print(f"{'network call':28}{'s an image':>12}{'GFLOP':>8}{'GFLOP/s':>9}{'share':>7}{'MB':>8}{'GB/s':>7}{'share':>7}")
    sides = [f"--sides={given.sides}"] if given.sides else []
    found = timed_parts(given, "^network", f"--model={given.model}", f"--batches={given.batches}", *sides)
    for name, run in found.items():
        kind, batch, side = re.fullmatch(r"(\w+)/N:(\d+)/side:(\d+)", name).groups()
        each = run["seconds"] / int(batch)
        label = f"{side}², batch {batch}{', with vjp' if kind == 'network_and_vjp' else ''}"
        print(f"{label:28}{each:12.4f}{run['flop'] * each / 1e9:8.2f}{run['flop'] / 1e9:9.0f}{run['flop'] / matrix:7.0%}"
              f"{run['bytes'] * each / 1e6:8.1f}{run['bytes'] / 1e9:7.1f}{run['bytes'] / copy:7.0%}")
    print()


def run_of(given, model, steps, batch, workers, environment, folder, *more, box=24):
    return Run(given.program, [f"dataset = {given.images}", f"model = {model}", f"method = {given.method}", "operator = box",
                               f"steps = {steps}", f"batch = {batch}", "seed = 1", *more, "[box]", f"size = {box}"],
               workers, environment, folder)


def starts(given, environment, folder):
    """What a person waits for before anything is computed."""
    print(f"{'start':38}{'s':>7}{'MiB':>7}")
    for words in (["version"], ["list", "methods"], ["list", "options"]):
        call = Called([given.program, *words], environment, folder)
        print(f"{' '.join(words):38}{call.seconds:7.2f}{call.memory:7.0f}")
    run = run_of(given, given.model, 2, 4, 1, environment, folder)
    print(f"{'run, until its first unit is dealt':38}{run.until_first:7.2f}")
    call = Called([given.program, "status", run.folder], environment, folder)
    print(f"{'status':38}{call.seconds:7.2f}{call.memory:7.0f}\n")


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
    if not (model / "config.json").exists():
        sys.exit(f"--model {model}: beside --peers it is a folder with model.safetensors and a guided-diffusion config.json")
    side = json.loads((model / "config.json").read_text())["model"]["image_size"]

    def run_ours(batch):
        run = run_of(given, model, steps, batch, 1, environment, folder, f"images = 0-{max(batches) - 1}",
                     box=side * 3 // 8)
        return run.sampling / run.calls, run.memory

    print(f"beside {peers.versions()}, {steps} steps of dps on one thread")
    compare_peers.compare(peers, model, side, batches, steps, given.rounds, run_ours)


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="diffinv-bench-") as name:
        folder = pathlib.Path(name)
        # The costs that calibrate stores are not this user's.
        environment = dict(os.environ, XDG_CACHE_HOME=name, OMP_NUM_THREADS="1")
        matrix, copy = roofline(given)
        if given.peers:
            beside_peers(given, folder, environment)
            return
        given.model = given.model or SOURCE / "jobs/quickstart/model"
        if given.growth:
            growth.grow(given, environment, folder)
            return
        network_calls(given, matrix, copy)
        starts(given, environment, folder)
        whole_runs(given, folder, environment)


main()
