#!/usr/bin/python3
"""Adds a group `posterior` to a results.h5: usage: add_posterior.py RESULTS. Of the samples of sdedit with t-start = 200 on
box at σ 0.1; the mean is grey with the image's number in it, the standard deviation 0.2 at the left and 0 elsewhere."""

import sys

import h5py
import numpy

with h5py.File(sys.argv[1], "r+") as file:
    method, operator = file["method"].asstr()[:], file["operator"].asstr()[:]
    rows = numpy.flatnonzero((method == "sdedit") & (operator == "box") & (file["sigma_y"][:] == 0.1) &
                             (file["sdedit_t_start"][:] == 200) & (file["sample"][:] == 0))
    if "posterior" in file:
        del file["posterior"]
    group = file.create_group("posterior")
    for name in ("image_name", "image_index", "method", "operator", "sigma_y", "respacing", "sdedit_t_start", "box_size"):
        group.create_dataset(name, data=file[name][rows], dtype=file[name].dtype)
    count = len(rows)
    group["psnr"] = 30.0 + numpy.arange(count)
    group["lpips"] = numpy.full(count, numpy.nan)
    group["rank_histogram"] = numpy.tile([0.5, 0.2, 0.3], (count, 1))
    group["coverage_90"] = numpy.full(count, 0.75)
    shape = (count, *file["restored"].shape[1:])
    mean, std = numpy.zeros(shape, "f4"), numpy.zeros(shape, "f4")
    mean[:, 0, 0, :] = numpy.arange(count)[:, None] / 10
    std[:, :, 0, :] = 0.2
    group["mean"], group["std"] = mean, std
