"""Programs that are called and measured."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import h5py


class Called:
    """A finished program: what it said, its seconds, and the peak memory in MiB of the largest of its processes."""

    def __init__(self, words, environment, folder):
        words = [str(word) for word in words]
        with tempfile.TemporaryFile(dir=folder) as said:
            begin = time.monotonic()
            process = subprocess.Popen(words, env=environment, stdout=said, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(process.pid, 0)
            self.seconds = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            self.text = said.read().decode()
        self.memory = used.ru_maxrss / 1024
        if process.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit code {process.returncode}\n{self.text}")


class Run:
    """A finished `diffinv run`, told by its own journal and results."""

    def __init__(self, program, lines, workers, environment, folder):
        """@param lines  of the job file"""
        job = folder / "job.ini"
        job.write_text("".join(line + "\n" for line in lines))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=folder))
        begin = time.time()
        run = Called([program, "run", job, "--workers", workers, "--output", self.folder], environment, folder)
        self.wall, self.memory = run.seconds, run.memory
        # Line by line: what this process holds would count as the memory of the next one that it starts.
        self.unit_count, self.sampling, self.units, first = 0, 0.0, 0.0, math.inf
        with open(self.folder / "journal.jsonl") as journal:
            for event in map(json.loads, journal):
                if event["event"] == "assigned":
                    first = min(first, event["time"])
                if event["event"] == "committed":
                    self.unit_count += 1
                    self.sampling += event["seconds_sampling"]
                    self.units += event["seconds"]
        self.until_first = first - begin
        with h5py.File(self.folder / "results.h5") as results:
            self.calls = int(results["nfe"][:].sum())
            self.images = len(results["nfe"])
