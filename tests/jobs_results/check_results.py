"""Holds a merged run to what it was merged from: check_results.py CHECK FOLDER. Knows h5py and xarray, not the program."""
import collections
import csv
import json
import math
import pathlib
import sys

import h5py
import numpy as np
import xarray as xr

check, folder = sys.argv[1], pathlib.Path(sys.argv[2])
results_path = folder / "results.h5"
file = h5py.File(results_path)
count = len(file["row"])
units = sorted(folder.glob("units/*/unit-*.h5"))
# JSON has no NaN: the program wrote null.
table = json.loads((folder / "table.json").read_text().replace("null", "NaN"))
image_place = {int(number): place for place, number in enumerate(file["image"][:])}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(np.nan_to_num(a, nan=9), np.nan_to_num(b, nan=9))


def texts(name):
    return [value.decode() for value in file[name][:]]


def on_unit_range(values):
    values = values.astype(np.float64)
    return values / 255 if file["restored"].dtype == np.uint8 else (values + 1) / 2


def scales(dataset):
    return [dataset.dims[axis][0].name for axis in range(dataset.ndim)]


def schema():
    assert file.attrs["Conventions"] == "CF-1.8"
    for name in ("job", "plan_digest", "model_sha256", "dataset_digest", "lpips_net", "program_version", "content_digest"):
        assert isinstance(file.attrs[name], str) and file.attrs[name], name
    assert "dps" in file.attrs["job"] and file.attrs["model_sha256"] == "a" * 64
    assert scales(file["restored"]) == ["/row", "/y", "/x", "/channel"]
    assert scales(file["truth"]) == ["/image", "/y", "/x", "/channel"]
    assert list(file["restored"].attrs["valid_range"]) == [-1, 1]
    assert file["restored"].chunks == (1, 64, 64, 3)
    columns = "image_name image_index method operator sigma_y sample psnr ssim lpips psnr_measurement psnr_unobserved class residual nfe seconds status image_error"
    for name in columns.split() + ["sdedit_t_start", "sdedit_preset", "dps_zeta", "box_size", "gaussian_blur_std"]:
        column = file[name]
        assert column.shape == (count,) and scales(column) == ["/row"], name
        assert column.attrs["long_name"], name
        if column.dtype.kind == "O":
            assert h5py.check_string_dtype(column.dtype).encoding == "utf-8", name
        else:
            assert column.attrs["units"], name
    assert file["status"].dtype == np.int8 and file["status"].attrs["flag_meanings"] == "done diverged unreadable"

    # Settings stand where they apply and nowhere else.
    methods, operators = np.array(texts("method")), np.array(texts("operator"))
    assert set(file["sdedit_t_start"][:][methods == "sdedit"]) == {200, 500}
    assert np.isnan(file["sdedit_t_start"][:][methods != "sdedit"]).all()
    assert set(file["box_size"][:][operators == "box"]) == {24} and np.isnan(file["box_size"][:][operators != "box"]).all()
    assert np.array(texts("sdedit_preset"))[methods == "dps"].tolist() == [""] * (methods == "dps").sum()
    generated = methods == "ddpm"
    assert generated.sum() == 3 and set(operators[generated]) == {"none"} and set(file["image_index"][:][generated]) == {-1}
    assert np.isnan(file["sigma_y"][:][generated]).all() and np.isnan(file["psnr"][:][generated]).all()

    # Seconds are the unit's 4 s shared by its images.
    images_of_unit = collections.Counter(file["unit"][:])
    assert all(seconds == 4 / images_of_unit[unit] for seconds, unit in zip(file["seconds"][:], file["unit"][:]))
    assert len(images_of_unit) == len(units)


def images():
    row = 0
    for path in units:
        with h5py.File(path) as unit:
            stored = unit["restored"][:]
            rows = slice(row, row + len(stored))
            assert same(file["restored"][rows], stored), path
            for name in ("image_index", "sample", "psnr", "ssim", "lpips", "psnr_measurement", "psnr_unobserved", "residual", "status"):
                assert same(file[name][rows], unit["rows/" + name][:]), (path, name)
            assert list(file["image_name"][rows]) == list(unit["rows/image_name"][:]), path
            row += len(stored)
    assert row == count > 0


def unobserved():
    """psnr_unobserved again, from what the file holds: truth, restored, and the operator's masks."""
    checked = 0
    for name in file["measurements"]:
        group = file["measurements/" + name]
        if "mask" not in group:
            continue
        for row in range(count):
            operator = file["operator"].asstr()[row]
            setting = {"box": "box_size", "random": "random_fraction"}.get(operator)
            is_group = setting is not None and setting in file and name == f"{operator}_{file[setting][row]:g}"
            if not is_group or np.isnan(file["psnr_unobserved"][row]):
                continue
            place = image_place[int(file["image_index"][row])]
            mask = group["mask"][place] if group["mask"].ndim == 3 else group["mask"][:]
            removed = np.broadcast_to((mask == 0)[..., None], file["truth"][place].shape)
            truth = np.clip((file["truth"][place].astype(np.float64) + 1) / 2, 0, 1)[removed]
            restored = file["restored"][row].astype(np.float64)
            restored = restored / 255 if file["restored"].dtype == np.uint8 else np.clip((restored + 1) / 2, 0, 1)
            mse = ((restored[removed] - truth) ** 2).mean()
            assert abs(-10 * np.log10(mse) - file["psnr_unobserved"][row]) < 1e-4, row
            checked += 1
    return checked


def measurements():
    seen = collections.Counter()
    for path in sorted(folder.glob("measurements/*/block-*.h5")):
        with h5py.File(path) as block:
            name, sigma = path.parent.name.rsplit("-", 1)
            group = file["measurements/" + name.replace("-", "_")]
            level = group["sigma"][:].tolist().index(float(sigma))
            places = [image_place[int(number)] for number in block["image_index"][:]]
            assert same(group["y"][level][places], block["y"][:]), path
            assert same(file["truth"][:][places], block["truth"][:]), path
            assert [file["truth_name"][place] for place in places] == list(block["image_name"][:])
            if "mask" in block.get("parameters", {}):
                assert same(group["mask"][:][places], block["parameters/mask"][:, 0]), path
                assert scales(group["mask"]) == ["/image", group.name + "/pixel_y", group.name + "/pixel_x"]
                seen["mask"] += 1
            if "kernel" in block.get("parameters", {}):
                assert same(group["kernel"][:], block["parameters/kernel"][:]), path
                seen["kernel"] += 1
            own = [group.name + "/" + name for name in ("sigma", "pixel_y", "pixel_x", "pixel_channel")]
            assert scales(group["y"]) == [own[0], "/image", *own[1:]]
            seen[group.name, level] += len(places)
    assert seen["mask"] and seen["kernel"], seen
    # What no block gave is marked as missing.
    for group in file["measurements"].values():
        for level in range(len(group["sigma"])):
            given = (~np.isnan(group["y"][level]).all(axis=(1, 2, 3))).sum() if "y" in group else 0
            assert given == seen[group.name, level], (group.name, level, given)
    assert (~np.isnan(file["truth"][:]).all(axis=(1, 2, 3))).sum() == max(seen[key] for key in seen if len(key) == 2)


def ssim(a, b):
    """Wang et al. 2004: 11×11 Gaussian of σ 1.5, windows inside the image, population covariance; [y, x, channel]."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def mean(image):
        views = np.lib.stride_tricks.sliding_window_view(image, (11, 11), axis=(0, 1))
        return np.einsum("yxcij,ij->yxc", views, window)

    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return np.mean(top / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))


def metrics():
    truth = (file["truth"][:].astype(np.float64) + 1) / 2
    compared = 0
    for row in range(count):
        image = int(file["image_index"][row])
        if image < 0 or file["status"][row] != 0:
            assert np.isnan(file["psnr"][row])
            continue
        a, b = on_unit_range(file["restored"][row]), truth[image_place[image]]
        assert abs(-10 * np.log10(np.mean((a - b) ** 2)) - file["psnr"][row]) < 1e-4, row
        if compared % 5 == 0:
            assert abs(ssim(a, b) - file["ssim"][row]) < 1e-5, (row, ssim(a, b), file["ssim"][row])
        compared += 1
    assert compared > 0
    assert unobserved() > 0


def xarray():
    data = xr.open_dataset(results_path, engine="h5netcdf")
    assert data["psnr"].dims == ("row",) and data["restored"].dims == ("row", "y", "x", "channel")
    assert data["truth"].dims == ("image", "y", "x", "channel")
    for name in file["measurements"]:
        group = xr.open_dataset(results_path, engine="h5netcdf", group="measurements/" + name)
        assert "y" not in group or group["y"].dims == ("sigma", "image", "pixel_y", "pixel_x", "pixel_channel"), group
    restored = data["restored"].values
    assert np.nanmin(restored) >= -1.000001 and np.nanmax(restored) <= 1.000001 and np.nanmin(restored) < 0

    # By method, over all its lines.
    lines = [line for line in table if line["method"] != "(measurement)"]
    numbers = data[["psnr", "ssim", "lpips", "method"]]
    means = numbers.groupby("method").mean()
    for method in means["method"].values:
        mine = [line for line in lines if line["method"].split()[0] == method]
        for metric in ("psnr", "ssim", "lpips"):
            if method == "ddpm":
                assert math.isnan(means[metric].sel({"method": method})) and math.isnan(mine[0][metric][0])
                continue
            rows = sum(line["rows"] for line in mine)
            of_table = sum(line[metric][0] * line["rows"] for line in mine) / rows
            assert abs(of_table - float(means[metric].sel({"method": method}))) < 1e-9, (method, metric)

    # Line by line, with the error over images.
    frame = data.drop_dims([name for name in ("y", "x", "channel", "image") if name in data.dims]).to_dataframe()
    frame["t_start"] = frame["sdedit_t_start"] if "sdedit_t_start" in frame else np.nan
    keys = ["method", "operator", "sigma_y", "t_start"]
    compared = 0
    for (method, operator, sigma, t_start), rows in frame.groupby(keys, dropna=False):
        label = method if math.isnan(t_start) else f"{method} t-start={t_start:.0f}"
        line, = [line for line in lines if line["method"] == label and line["operator"].split()[0] == operator
                 and (line["sigma_y"] == sigma or math.isnan(sigma))]
        done = rows[rows["status"] == 0]
        assert line["rows"] == len(done) and line["diverged"] == (rows["status"] == 1).sum(), label
        assert line["nfe"] == rows["nfe"].iloc[0] and abs(line["seconds"] - rows["seconds"].mean()) < 1e-12
        if operator == "none":
            continue
        assert line["images"] == done["image_index"].nunique()
        for metric in ("psnr", "ssim", "lpips"):
            value, error = line[metric]
            assert abs(value - done[metric].mean()) < 1e-9, (label, metric)
            per_image = done.groupby("image_index")[metric].mean()
            assert abs(error - per_image.std(ddof=1) / math.sqrt(len(per_image))) < 1e-9, (label, metric)
        compared += 1
    assert compared == len([line for line in lines if line["operator"] != "none"]) > 0

    # The line of the measurement: each image once.
    for line in [line for line in table if line["method"] == "(measurement)"]:
        rows = frame[(frame["operator"] == line["operator"].split()[0]) & (frame["sigma_y"] == line["sigma_y"])]
        of_image = rows.groupby("image_index")["psnr_measurement"].first()
        assert abs(line["psnr"][0] - of_image.mean()) < 1e-9 or np.isinf(of_image.mean()), line


def csv_file():
    with open(folder / "results.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == count
    assert [row["image_name"] for row in rows] == texts("image_name")
    assert any(all(mark in row["image_name"] for mark in ',"\n') for row in rows), "no hostile name in the test"
    columns = [name for name, item in file.items() if isinstance(item, h5py.Dataset) and scales_or_none(item) == ["/row"]]
    assert set(rows[0]) == set(columns), set(rows[0]) ^ set(columns)
    for name in columns:
        column = file[name]
        for row, value in zip(rows, column[:]):
            if column.dtype.kind == "O":
                assert row[name] == value.decode(), name
            elif column.dtype.kind == "f" and math.isnan(value):
                assert row[name] == "", name
            else:
                assert float(row[name]) == value, name


def scales_or_none(dataset):
    return None if h5py.h5ds.is_scale(dataset.id) else scales(dataset)


checks = {"schema": schema, "images": images, "measurements": measurements, "metrics": metrics, "xarray": xarray, "csv": csv_file}
checks[check]()
print(f"{check}: passed")
