"""Holds results.h5 of a run on measured images to the folder that it came from: read_restored.py RESULTS PHOTOS."""
import os
import sys

import h5py
import numpy as np

results, photos = sys.argv[1:]
with h5py.File(results) as file:
    assert "truth" not in file, "there is no truth"
    names = file["measured_name"].asstr()[:]
    listed = [os.path.relpath(os.path.join(at, name), photos) for at, _, all in os.walk(photos) for name in all]
    assert sorted(names) == sorted(listed), (names, listed)
    heights, widths = file["measured_height"][:], file["measured_width"][:]
    place_of = {number: place for place, number in enumerate(file["image"][:])}
    sizes = file["restored_size"].asstr()[:]
    places = file["restored_place"][:]
    rows = len(sizes)
    assert rows == len(names)
    seen = set()
    for row in range(rows):
        image = place_of[file["image_index"][row]]
        assert names[image] == file["image_name"].asstr()[row]
        assert sizes[row] == f"{heights[image]}x{widths[image]}", (sizes[row], heights[image], widths[image])
        dataset = file["restored_" + sizes[row]]
        assert (sizes[row], places[row]) not in seen
        seen.add((sizes[row], places[row]))
        restored = dataset[places[row]]
        assert restored.shape == (heights[image], widths[image], 3)
        assert np.isfinite(restored).all() and np.abs(restored).max() <= 1
        assert dataset.dims[0][0].name == "/row_" + sizes[row]
    for column in ("psnr", "ssim", "lpips", "psnr_measurement", "psnr_unobserved"):
        assert np.isnan(file[column][:]).all(), column
    assert np.isfinite(file["residual"][:]).all() and (file["residual"][:] > 0).all()
    assert (file["status"][:] == 0).all()
    group = file["measurements/mask"]
    for size in set(sizes):
        y, mask = group["y_" + size], group["mask_" + size]
        assert y.shape[1:4] == (mask.shape[0],) + mask.shape[1:], (y.shape, mask.shape)
        hidden = mask[:] == 0
        assert hidden.any() and (y[0][hidden] == 0).all(), "what is not observed is 0"
        assert y.dims[1][0].name == "/image_" + size
