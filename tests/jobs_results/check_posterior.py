"""Computes the group `posterior` of a run's results.h5 again from its rows: check_posterior.py RUN."""
import pathlib
import sys

import h5py
import numpy as np
import xarray

run = pathlib.Path(sys.argv[1])
file = h5py.File(run / "results.h5")
group = file["posterior"]
count = len(group["image_index"])
text = lambda at, name: at[name].asstr()[:]


def keys(at):
    settings = sorted(name for name in file if name.startswith(("sdedit_", "dps_", "box_", "gaussian_blur_")))
    parts = [text(at, "method"), text(at, "operator"), at["sigma_y"][:], at["image_index"][:]]
    for name in settings:
        parts.append([str(value) for value in at[name][:]])
    return list(zip(*parts))


restored = file["restored"][:]
if restored.dtype == np.uint8:
    restored = restored.astype(np.float32) / np.float32(127.5) - np.float32(1)
restored = restored.astype(np.float64)
rows = {}
for row, key in enumerate(keys(file)):
    rows.setdefault(key, []).append(row)
sampled = [key for key, those in rows.items() if len(those) > 1 and key[1] != "none"]
assert len(sampled) == count > 0, (len(sampled), count)
image_place = {number: place for place, number in enumerate(file["image"][:])}
histogram = group["rank_histogram"][:]
seen = set()
for entry, key in enumerate(keys(group)):
    assert key in rows and key not in seen, key
    seen.add(key)
    those = [row for row in rows[key] if file["status"][row] == 0]
    assert group["samples"][entry] == len(those), (key, those)
    if len(those) < 2:
        assert np.isnan(group["mean"][entry]).all() and np.isnan(group["psnr"][entry])
        continue
    samples = restored[those]
    mean, std = samples.mean(0), samples.std(0, ddof=1)
    assert np.allclose(group["mean"][entry], mean, atol=1e-6)
    assert np.allclose(group["std"][entry], std, atol=1e-6)
    assert abs(group["spread"][entry] - np.sqrt((std**2).mean())) < 1e-6
    truth = file["truth"][image_place[key[3]]].astype(np.float64)
    mse = (((np.clip(group["mean"][entry].astype(np.float64), -1, 1) - truth) / 2) ** 2).mean()
    assert abs(group["psnr"][entry] + 10 * np.log10(mse)) < 1e-3, entry
    n = len(those)
    below, equal = (samples < truth).sum(0), (samples == truth).sum(0)
    for rank in range(n + 1):
        share = (((below <= rank) & (below + equal >= rank)) / (equal + 1)).mean()
        assert abs(histogram[entry][rank] - share) < 1e-3, (entry, rank, histogram[entry][rank], share)
    assert np.isnan(histogram[entry][n + 1 :]).all()
    quantile = {2: {50: 1.0, 90: 6.313751514675, 95: 12.706204736432}, 3: {50: 0.816496580928, 90: 2.919985580354, 95: 4.302652729911}}[n]
    for percent, t in quantile.items():
        inside = (np.abs(truth - mean) <= t * std * np.sqrt(1 + 1 / n)).mean()
        assert abs(group[f"coverage_{percent}"][entry] - inside) < 2e-3, (entry, percent)
    assert np.isfinite(group["lpips"][entry]) and np.isfinite(group["residual"][entry])
assert [scale[0].name for scale in group["mean"].dims] == ["/posterior/posterior", "/y", "/x", "/channel"]
with xarray.open_dataset(run / "results.h5", engine="h5netcdf", group="posterior") as opened:
    assert opened["mean"].dims == ("posterior", "y", "x", "channel"), opened["mean"].dims
    assert opened["psnr"].dims == ("posterior",)
