"""`status` as people see it: on a terminal, on none, with hostile names: status_watch.py DIFFINV SOURCE."""
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
folder = pathlib.Path(tempfile.mkdtemp(prefix="diffinv-status-"))
os.environ.update(DIFFINV_CACHE=str(folder / "cache"), TERM="xterm")
os.environ.pop("NO_COLOR", None)


def on_terminal(words, columns=100, until=None, variables={}):
    """Runs a command on a terminal; what it wrote, and how it ended. `until` may end it, given what was written so far."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(variables)
        os.execv(program, [program, *words])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    written = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
        if until is not None and until(written):
            os.write(terminal, b"\x03")
            until = None
    return written.decode(), os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def start(name, steps):
    job = folder / f"{name}.ini"
    job.write_text(f"dataset = {folder}/photos\nmodel = {source}/jobs/quickstart/model\nsteps = {steps}\nbatch = 2\n"
                   "method = sdedit, ddpm\noperator = box\n[sdedit]\nt-start = 1000\n[ddpm]\nsamples = 4\n")
    return job, subprocess.Popen([program, "run", job, "--output", folder / name], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)


def plain(*words, code=0):
    result = subprocess.run([program, *map(str, words)], capture_output=True)
    assert result.returncode == code, (words, result)
    return result.stdout + result.stderr


# Photos whose names would colour the terminal, clear it, and break lines.
photos = folder / "photos"
photos.mkdir()
images = sorted((source / "jobs/quickstart/images").glob("*.png"))
hostile = ["\x1b[2J\x1b[31mred.png", "two\nlines.png", "bell\x07\x9b31m\x7f.png", "plain.png"]
for image, name in zip(images, hostile):
    shutil.copy(image, photos / name)

job, run = start("watched", 60)
while not (folder / "watched" / "status.json").exists():
    assert run.poll() is None
    time.sleep(0.1)

# Ctrl-C ends the watch and not the run, and the cursor comes back.
written, code = on_terminal(["status", str(folder / "watched"), "--watch"], until=lambda text: text.count(b"\x1b[J") >= 2)
assert code == 130, code
assert written.startswith("\x1b[?25l") and written.rstrip().endswith("\x1b[?25h"), written[-80:]
drawn = written.split("\x1b[J")
lines = drawn[0].count("\n")
assert f"\x1b[{lines}A" in drawn[1], "the second drawing begins where the first did"
assert run.poll() is None, "the run goes on"

# Until it ends; cut to a narrow terminal, without colour where none is wanted.
written, code = on_terminal(["status", str(folder / "watched"), "--watch"], columns=40, variables={"NO_COLOR": "1"})
assert code == 0 and "finished: " in written
assert not re.search("\x1b\\[[0-9;]*m", written), "NO_COLOR"
bare = re.sub("\x1b\\[[0-9?]*[A-Za-z]", "", written).replace("\r", "")
assert max(map(len, bare.split("\n"))) <= 40, max(map(len, bare.split("\n")))
assert run.wait() == 0
written, code = on_terminal(["status", str(folder / "watched")])
assert "\x1b[32mfinished\x1b[0m" in written, written

# No terminal: a line a change, nothing but text.
job, run = start("piped", 60)
while not (folder / "piped" / "status.json").exists():
    time.sleep(0.1)
text = plain("status", folder / "piped", "--watch").decode()
assert run.wait() == 0
said = text.splitlines()
assert len(said) >= 2 and said[-1].startswith("finished: ") and len(set(said)) == len(said), said
assert "left" in said[1] or "left" in said[0], said

# The fields that the page names are those that are printed.
page = (source / "docs/status.md").read_text()
named = {row[1]: row[2] for row in re.findall(r"^(\| `(\w+)` \| (.*) \|)$", page.split("## --json")[1], re.M)}
printed = json.loads(plain("status", folder / "piped", "--json"))
assert list(named) == list(printed), (list(named), list(printed))
for field in ("points", "worker_progress"):
    inner = re.findall(r"`(\w+)`", named[field])
    assert inner == list(printed[field][0]), (field, inner, list(printed[field][0]))
assert printed["schema"] == 1 and printed["committed"] == printed["units"]

# Nothing of a name reaches the terminal as anything but text.
(photos / hostile[1]).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
everything = b""
for words, code in ((("plan", job), 2), (("plan", job, "--images", "0-2"), 0), (("status", folder / "piped"), 0),
                    (("verify", folder / "piped"), 0), (("report", folder / "piped"), 0), (("merge", folder / "piped"), 0),
                    (("run", job, "--output", folder / "piped"), 2), (("status", "\x1b[31mnowhere"), 2),
                    (("plan", job, "--method", "\x1b[31mdps"), 2), (("run", job, "--\x1b[31mseed", "3"), 2)):
    everything += plain(*words, code=code)
odd = {byte for byte in everything if (byte < 0x20 and byte != 0x0A) or byte == 0x7F}
assert not odd, odd
assert not re.search("[\x80-\x9f]", everything.decode()), "C1 controls"

# Measured costs: kept, used, and passed over where they are broken.
assert b"a guess" in plain("plan", job, "--images", "0-2")
measured = plain("calibrate", source / "jobs/quickstart/model", "--batch", "2").decode()
assert "GFLOP/s" in measured and (folder / "cache/costs.json").exists()
assert b"as measured on this machine" in plain("plan", job, "--images", "0-2")
(folder / "cache/costs.json").write_text("{")
broken = plain("plan", job, "--images", "0-2")
assert b"is no list of measured costs; passed over" in broken and b"a guess" in broken
assert b"(did you mean status?)" in plain("statsu", code=2)
assert b"(did you mean watch?)" in plain("status", folder, "--wach", code=2)
assert b"(did you mean methods?)" in plain("list", "methds", code=2)
shutil.rmtree(folder)
print("status: on a terminal, on none, with hostile names, as JSON; costs measured and used")
