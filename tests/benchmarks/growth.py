"""How costs grow: with an image's size, the batch, steps, workers, images and units. Beside each the law that is expected."""

import re
import shutil
import time

import h5py
import numpy

from measured_run import Called, Run


def network_call(program, model, side, batch, environment, folder):
    """Seconds an image of a network call, and with its gradient."""
    text = Called([program, "calibrate", model, "--device", "cpu", "--batch", batch, "--image-size", side], environment,
                  folder).text
    number = r"([0-9.e+-]+)"
    found = re.search(rf"{number} s an image for a network call .*?, {number} s with its gradient", text)
    return float(found.group(1)), float(found.group(2))


def of_size(given, environment, folder):
    print("image size, batch 1; law: as the pixels\n"
          f"{'size':>6}{'s a call':>10}{'of law':>8}{'with vjp':>10}{'of law':>8}")
    first = None
    for side in (64,) if given.short else (64, 128, 256):
        plain, both = network_call(given.program, given.model, side, 1, environment, folder)
        first = first or (plain, both)
        law = (side / 64) ** 2
        print(f"{str(side) + '²':>6}{plain:10.4f}{plain / (law * first[0]):8.2f}{both:10.4f}{both / (law * first[1]):8.2f}")


def of_batch(given, environment, folder):
    print("\nbatch, 64²; law: the same an image\n"
          f"{'batch':>6}{'s an image':>12}{'of law':>8}{'with vjp':>10}{'of law':>8}")
    first = None
    for batch in (1,) if given.short else (1, 2, 4, 8, 16):
        plain, both = network_call(given.program, given.model, 64, batch, environment, folder)
        first = first or (plain, both)
        print(f"{batch:6}{plain:12.4f}{plain / first[0]:8.2f}{both:10.4f}{both / first[1]:8.2f}")


def of_steps(given, environment, folder):
    print("\nsteps, dps, 4 images of 64², 1 worker; law: sampling as the steps, the rest constant\n"
          f"{'steps':>6}{'sampling s':>12}{'ms a step':>11}{'the rest s':>12}")
    for steps in (2,) if given.short else (10, 20, 50, 100, 200):
        run = Run(given.program, [f"dataset = {given.images}", f"model = {given.model}", "images = 0-3", "method = dps",
                                  "operator = box", f"steps = {steps}", "batch = 4", "seed = 1", "[box]", "size = 24"],
                  1, environment, folder)
        print(f"{steps:6}{run.sampling:12.2f}{1000 * run.sampling / steps:11.1f}{run.wall - run.sampling:12.2f}")
        shutil.rmtree(run.folder)


def small_images(folder, count):
    """HDF5 with so many images of 16², which the small network makes 32² of."""
    path = folder / f"images-{count}.h5"
    random = numpy.random.default_rng(0)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (count, 16, 16, 3), "uint8")
        for begin in range(0, count, 1000):
            end = min(count, begin + 1000)
            images[begin:end] = random.integers(0, 256, (end - begin, 16, 16, 3), "uint8")
    return f"{path}:images"


def small_job(given, dataset, method, batch):
    return [f"dataset = {dataset}", f"model = {given.small_model}", f"method = {method}", "operator = box", "seed = 1",
            f"batch = {batch}", "lpips = none"]


def of_workers(given, environment, folder):
    print("\nworkers, dps with a small network, 64 images of 32²; law: as min(workers, cores)\n"
          f"{'workers':>8}{'wall s':>9}{'images/s':>10}{'to one':>8}{'s a call':>10}")
    dataset = small_images(folder, 64)
    first = None
    for workers in (2,) if given.short else (1, 2, 4, 8):
        steps = 2 if given.short else 50
        run = Run(given.program, small_job(given, dataset, "dps", 4) + [f"steps = {steps}", "[box]", "size = 6"], workers,
                  environment, folder)
        first = first or run.wall
        print(f"{workers:8}{run.wall:9.2f}{run.images / run.wall:10.2f}{first / run.wall:8.2f}"
              f"{run.sampling / run.calls:10.5f}")
        shutil.rmtree(run.folder)


def of_images(given, environment, folder):
    print("\nimages of 32², one call of a small network each, 2 workers; law: all but plan and status as the images, memory "
          "constant but for their rows\n"
          f"{'images':>8}{'units':>8}{'plan s':>8}{'run s':>9}{'units/s':>9}{'status s':>10}{'merge s':>9}{'units/s':>9}"
          f"{'MiB':>6}{'verify s':>10}{'MiB':>6}")
    sweep = [(100, 16)] if given.short else [(100, 1), (1000, 1), (1000, 16), (10000, 16)]
    if given.most_images > 10000:
        sweep += [(10000, 1), (given.most_images, 16), (given.most_images, 1)]
    for count, batch in sweep:
        dataset = small_images(folder, count)
        lines = small_job(given, dataset, "sdedit", batch) + ["steps = 10", "[sdedit]", "t-start = 100", "[box]", "size = 6"]
        (folder / "job.ini").write_text("".join(line + "\n" for line in lines))
        plan = Called([given.program, "plan", folder / "job.ini"], environment, folder)
        run = Run(given.program, lines, 2, environment, folder)
        parts = {name: Called([given.program, name, run.folder], environment, folder)
                 for name in ("status", "merge", "verify")}
        print(f"{count:8}{run.unit_count:8}{plan.seconds:8.2f}{run.wall:9.2f}{run.unit_count / run.wall:9.0f}"
              f"{parts['status'].seconds:10.2f}{parts['merge'].seconds:9.2f}"
              f"{run.unit_count / parts['merge'].seconds:9.0f}{parts['merge'].memory:6.0f}"
              f"{parts['verify'].seconds:10.2f}{parts['verify'].memory:6.0f}", flush=True)
        shutil.rmtree(run.folder)


def grow(given, environment, folder):
    parts = {"size": of_size, "batch": of_batch, "steps": of_steps, "workers": of_workers, "images": of_images}
    for name in given.growth.split(","):
        parts[name](given, environment, folder)
