"""Writes golden folders of other kinds than tests/golden: other_folder.py GOLDEN FOLDER

`synthetic` is computed here with NumPy alone: other sizes, images that are not square, other channel counts, a mask for each
image, other lengths of the chain. `renamed` is the golden set with other names of networks, cases and noise, and other numbers of
rows.
"""
import json
import pathlib
import shutil
import sys

import h5py
import numpy as np

golden, folder = map(pathlib.Path, sys.argv[1:3])
rng = np.random.default_rng(7)


def correlated(x, kernel):
    """Cross-correlation with a border that is mirrored without repeating it."""
    kh, kw = kernel.shape
    padded = np.pad(x, [(0, 0), (0, 0), (kh // 2,) * 2, (kw // 2,) * 2], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))
    return np.einsum("nchwij,ij->nchw", windows, kernel)


def blur_matrix(side, column):
    """The blur of one axis as a matrix."""
    return np.stack([correlated(row.reshape(1, 1, side, 1), column.reshape(-1, 1)).ravel() for row in np.eye(side)], axis=1)


def operators(path):
    x = rng.uniform(-1, 1, (2, 2, 12, 20))
    v = rng.normal(size=x.shape)
    with h5py.File(path, "w") as file:
        group = file.create_group("photos")
        group["picture"], group["direction"] = x.astype("f4"), v.astype("f4")
        x, v = x.astype("f4").astype("f8"), v.astype("f4").astype("f8")

        def case(name, Ax, ATv, **tensors):
            case = file.create_group(name)
            case.attrs["x"], case.attrs["v"] = np.bytes_("photos/picture"), np.bytes_("photos/direction")
            case["Ax"], case["ATv"] = Ax.astype("f4"), ATv.astype("f4")
            case.attrs["dot_Ax_v_f64"] = np.sum(Ax * v)
            for key, value in tensors.items():
                case[key] = value.astype("f4")

        masks = (rng.uniform(size=(2, 1, 12, 20)) < 0.4).astype("f8")
        case("a_mask_each", masks * x, masks * v, mask=masks)
        column, row = rng.uniform(size=5).astype("f4"), rng.uniform(size=7).astype("f4")
        kernel = np.outer(column, row).astype("f4").astype("f8")
        tall, wide = blur_matrix(12, column.astype("f8")), blur_matrix(20, row.astype("f8"))
        Ax = correlated(x, kernel)
        case("lopsided", Ax, np.einsum("hH,nchw,wW->ncHW", tall, v, wide), kernel=kernel)
        unknown = file.create_group("wavelets")
        unknown["x"], unknown["v"], unknown["Ax"] = x[:1], v[:1], x[:1]


def schedule(path):
    with h5py.File(path, "w") as file:
        T = 50
        group = file.create_group("short")
        group.attrs["schedule"], group.attrs["T"] = np.bytes_("linear"), T
        betas = np.linspace(1e-4 * 1000 / T, 0.02 * 1000 / T, T)
        abar = np.cumprod(1 - betas)
        group["betas"], group["alphas_cumprod"] = betas, abar
        kept = np.array([0, 12, 24, 37, 49])  # round half to even of multiples of 12.25
        respaced = group.create_group("five")
        respaced.attrs["respacing"] = np.bytes_("5")
        respaced["timestep_map"] = kept
        new = 1 - abar[kept] / np.concatenate([[1.0], abar[kept][:-1]])
        respaced["betas"], respaced["alphas_cumprod"] = new, np.cumprod(1 - new)


def metrics(path):
    with h5py.File(path, "w") as file:
        pair = file.create_group("pairs/grey_wide")
        reference = rng.uniform(-1, 1, (1, 16, 40)).astype("f4")
        restored = (reference + 0.1 * rng.normal(size=reference.shape)).astype("f4")
        pair["reference"], pair["restored"] = reference, restored
        unit = lambda x: np.clip((x.astype("f8") + 1) / 2, 0, 1)
        pair.attrs["psnr"] = -10 * np.log10(np.mean((unit(restored) - unit(reference)) ** 2))


def renamed_networks():
    target = folder / "renamed"
    (target / "weights").mkdir(parents=True)
    for old, new in (("gd_a", "first"), ("gd_b", "classes"), ("gd_e", "plain")):
        shutil.copyfile(golden / f"weights/{old}.safetensors", target / f"weights/{new}.safetensors")
        settings = json.loads((golden / f"weights/{old}.json").read_text())
        (target / f"weights/{new}.json").write_text(json.dumps(settings))
        with h5py.File(golden / "networks.h5") as source, h5py.File(target / "networks.h5", "a") as file:
            group = file.create_group(new)
            group.attrs["weights_file"] = np.bytes_(f"weights/{new}.safetensors")
            group.attrs["config_file"] = np.bytes_(f"weights/{new}.json")
            for key in source[old]:
                if not key.endswith("f64"):
                    group[key] = source[old][key][...][::-1][:2]  # two of the rows, in another order


def renamed_samplers():
    names = {"gd_a": "first", "gd_e": "plain", "noise/z_small": "noise/normals", "measurements/box": "measurements/hole"}

    def renamed(text):
        for old, new in names.items():
            text = text.replace(old, new)
        return text

    def copy(source, target, select=lambda key, data: data):
        """Attributes and datasets of a group, with our names and some of the rows."""
        for key, value in source.attrs.items():
            target.attrs[key] = np.bytes_(renamed(value.decode())) if isinstance(value, bytes) else value
        for key, data in source.items():
            target[key] = select(key, data[...])
            for attribute, value in data.attrs.items():
                target[key].attrs[attribute] = value

    def first_rows(count):
        def select(key, data):
            if data.ndim == 1 or key == "gradient":
                return data
            return data[:count] if key == "x_start" else data[:, :count]

        return select

    with h5py.File(golden / "samplers.h5") as source, h5py.File(folder / "renamed/samplers.h5", "w") as file:
        for key, value in source.attrs.items():
            file.attrs[key] = value
        for key, data in source["noise"].items():
            file[renamed("noise/" + key)] = data[...]
        for key, group in source["measurements"].items():
            copy(group, file.create_group(renamed("measurements/" + key)))
        for old, new, rows in (
            ("ddpm/learned_range", "ddpm/three_rows", 3),
            ("ddim/eta_0.5", "ddim/half", 1),
            ("sdedit/original_t200", "sdedit/no_clamp", 1),
            ("dps/box_from_mid", "dps/two_rows", 2),
            ("score_ald/poster_box", "score_ald/a_rule", 1),
            ("ddpm/fixed_large", "annealing/unknown_method", 1),
        ):
            copy(source[old], file.create_group(new), first_rows(rows))


(folder / "synthetic").mkdir(parents=True)
operators(folder / "synthetic/operators.h5")
schedule(folder / "synthetic/schedule.h5")
metrics(folder / "synthetic/metrics.h5")
renamed_networks()
renamed_samplers()
