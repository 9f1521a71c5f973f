"""Reads results.h5 with h5py and xarray and holds it to the printed table: read_results.py RESULTS PRINTED_TABLE."""
import re
import sys

import h5py
import numpy as np
import xarray as xr

results_path, printed_path = sys.argv[1:]


def psnr(a, b):
    return 10 * np.log10(1 / np.mean((a - b) ** 2))


def ssim(a, b):
    """11×11 Gaussian of σ 1.5, valid windows, population covariance, mean over pixels and channels; a, b [y, x, channel]."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets**2) / (2 * 1.5**2))
    window /= window.sum()

    def smooth(image):
        for axis in (0, 1):
            image = np.apply_along_axis(lambda line: np.convolve(line, window, mode="valid"), axis, image)
        return image

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    cov = smooth(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    return np.mean((2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))


# h5py: every restored row against its truth, on [0, 1].
with h5py.File(results_path) as file:
    assert file.attrs["Conventions"] in ("CF-1.8", b"CF-1.8"), file.attrs["Conventions"]
    assert file["restored"].dims[0].label == "row" or file["restored"].dims[0].keys(), "restored has no dimension scale"
    restored = (file["restored"][:].astype(np.float64) + 1) / 2
    truth = (file["truth"][:].astype(np.float64) + 1) / 2
    index = file["image_index"][:]
    image_numbers = file["image"][:] if "image" in file else np.arange(len(truth))
    position = {int(number): place for place, number in enumerate(image_numbers)}
    compared = 0
    for row, image in enumerate(index):
        if image < 0:
            assert np.isnan(file["psnr"][row])
            continue
        reference = truth[position[int(image)]]
        assert abs(psnr(restored[row], reference) - file["psnr"][row]) < 1e-3, (row, "psnr")
        if compared % 7 == 0:
            assert abs(ssim(restored[row], reference) - file["ssim"][row]) < 1e-4, (row, "ssim")
        compared += 1
    assert compared > 0

# xarray: the mean by method and operator is what the table shows.
data = xr.open_dataset(results_path, engine="h5netcdf")
assert data["psnr"].dims == ("row",), data["psnr"].dims
means = data[["method", "psnr", "ssim", "lpips"]].groupby("method").mean()
assert set(means["method"].values) >= {"dps", "sdedit", "score_ald", "forward_reverse"}
frame = data[["psnr", "method", "operator"]].to_dataframe()
printed = open(printed_path, encoding="utf-8").read()
checked = 0
for method in ("dps", "forward_reverse"):
    for operator, rows in frame[frame["method"] == method].groupby("operator"):
        wanted = f"{rows['psnr'].mean():.2f}"
        lines = [line for line in printed.splitlines() if re.search(rf"\b{method}\b", line) and operator in line]
        assert any(wanted in line for line in lines), (method, operator, wanted, lines)
        checked += 1
assert checked >= 4, checked
assert abs(float(means["psnr"].sel({"method": "dps"})) - frame[frame["method"] == "dps"]["psnr"].mean()) < 1e-9
print(f"{compared} rows and {checked} lines of the table agree")
