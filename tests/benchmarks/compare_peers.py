"""Ours beside the reference implementations, in turn, on one network and one thread each."""

import json
import statistics
import subprocess
import sys

# Of guided-diffusion, 17 M parameters at 64²: the settings that its own defaults give for this size, with one residual block
# a level.
NETWORK = {"image_size": 64, "num_channels": 64, "num_res_blocks": 1, "channel_mult": "1,2,3,4", "learn_sigma": True,
           "class_cond": False, "attention_resolutions": "16", "num_heads": 4, "num_head_channels": 64,
           "num_heads_upsample": -1, "use_scale_shift_norm": True, "resblock_updown": True,
           "use_new_attention_order": False}


class Peers:
    """The environment that --peers names: bin/python with torch, deepinv and safetensors; a clone of the DPS reference."""

    def __init__(self, folder, script):
        self.python, self.script = folder / "bin/python", script
        self.clone = folder / "diffusion-posterior-sampling"
        for path in (self.python, self.clone / "guided_diffusion"):
            if not path.exists():
                sys.exit(f"--peers {folder}: there is no {path}; see tests/benchmarks/NOTES.md for how to make it")

    def call(self, what, model, *words):
        command = [self.python, self.script, what, "--clone", self.clone, "--model", model, *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{what}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def versions(self):
        code = "import torch, deepinv; print('torch', torch.__version__, 'and deepinv', deepinv.__version__)"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True).stdout.strip()

    def run(self, what, model, side, batch, steps):
        """Seconds an image a network call, and the peak memory in MiB."""
        found = json.loads(self.call(what, model, "--side", side, "--batch", batch, "--steps", steps).splitlines()[-1])
        return found["seconds"] / (batch * steps), found["memory"]


def compare(peers, model, side, batches, steps, rounds, run_ours):
    """Prints the table. run_ours(batch) answers as Peers.run does; all take turns, round by round."""
    contestants = [("diffinv", batch, lambda batch=batch: run_ours(batch)) for batch in batches]
    contestants += [("deepinv", batch, lambda batch=batch: peers.run("deepinv", model, side, batch, steps))
                    for batch in batches]
    contestants.append(("DPS reference", 1, lambda: peers.run("dps", model, side, 1, steps)))
    seconds = {(name, batch): [] for name, batch, _ in contestants}
    memory = {key: [] for key in seconds}
    for _ in range(rounds):
        for name, batch, run in contestants:
            found = run()
            seconds[name, batch].append(found[0])
            memory[name, batch].append(found[1])
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    best = {name: min((key for key in medians if key[0] == name), key=medians.get) for name, _ in medians}

    print(f"{'dps, box, ' + str(side) + '²':16}{'batch':>6}{'s an image a call':>19}{'least … most':>21}{'MiB':>7}"
          f"{'ours is faster by':>19}")
    for name, batch in medians:
        values = seconds[name, batch]
        ratios = [peer / ours for peer, ours in zip(values, seconds[best["diffinv"]])]
        print(f"{name:16}{batch:6}{medians[name, batch]:19.4f}{min(values):12.4f} …{max(values):7.4f}"
              f"{max(memory[name, batch]):7.0f}" + (f"{statistics.median(ratios):19.2f}" if name != "diffinv" else ""))
    first, last = batches[0], batches[-1]
    for name in ("diffinv", "deepinv"):
        if last > first:
            grown = max(memory[name, last]) - max(memory[name, first])
            print(f"{name}: {grown / (last - first):.1f} MiB more for each image of a batch")
    print(f"medians of {rounds} rounds in turn; 'faster by' is the median of each round's ratio to ours at its best batch, "
          f"{best['diffinv'][1]}.\n")
