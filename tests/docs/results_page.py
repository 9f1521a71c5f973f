"""Holds docs/results.md to a real file: results_page.py PAGE RESULTS. The file is of a job with masks and kernels that generates too."""
import re
import sys

import h5py

page = open(sys.argv[1], encoding="utf-8").read()
results = h5py.File(sys.argv[2])


def table(heading):
    """Rows of the first table below a heading, cells without backticks."""
    below = page.split(f"\n## {heading}\n", 1)[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in below.splitlines() if line.startswith("|")][2:]
    assert rows, heading
    return [[re.sub(r"^`(.*)`$", r"\1", cell.strip()) for cell in row] for row in rows]


def type_of(dataset):
    return "text" if h5py.check_string_dtype(dataset.dtype) else dataset.dtype.name


def is_scale(dataset):
    return bool(h5py.h5ds.is_scale(dataset.id))


def dimensions(dataset):
    return [scale[0].name.split("/")[-1] for scale in dataset.dims]


def scales(group):
    return {name for name, item in group.items() if isinstance(item, h5py.Dataset) and is_scale(item)}


def same(what, said, found):
    assert said == found, f"{what}: the page says {said}, the file has {found}"


same("dimensions", sorted(row[0] for row in table("Dimensions")), sorted(scales(results)))
same("attributes", sorted(row[0] for row in table("Attributes of the file")), sorted(results.attrs))

# Columns in their order, with type and unit; the others along `row` are settings of a section.
columns = [name for name, item in results.items()
           if isinstance(item, h5py.Dataset) and not is_scale(item) and dimensions(item) == ["row"]]
said = {row[0]: row[1:3] for row in table("Columns")}
sections = "sdedit|forward_reverse|score_ald|dps|gaussian_blur|box|random"
settings = [name for name in columns if re.match(rf"({sections})_[a-z_]+$", name)]
same("columns", sorted(said), sorted(set(columns) - set(settings)))
assert "dps_zeta_unit" in settings and type_of(results["dps_zeta_unit"]) == "text", settings
for name in said:
    same(name, said[name], [type_of(results[name]), results[name].attrs.get("units", "")])
for name in settings:
    same(name, results[name].attrs.get("units", ""), "1" if type_of(results[name]) == "float64" else "")
header = open(sys.argv[2].replace(".h5", ".csv"), encoding="utf-8").readline().strip().split(",")
same("order in results.csv", list(said), header[:len(said)])
same("columns of results.csv", sorted(columns), sorted(header))

# Datasets that are no columns.
others = sorted(name for name in results if name not in columns and name not in scales(results))
groups = [name for name in others if isinstance(results[name], h5py.Group)]
assert "measurements" in groups, groups
images = {row[0]: [re.findall(r"\w+", row[1]), row[2]] for row in table("Images")}
same("datasets", sorted(images), sorted(set(others) - set(groups)))
for name, (axes, kind) in images.items():
    same(name, [axes, kind], [dimensions(results[name]), type_of(results[name])])

# Measurement groups: every dataset that is no scale of pixels is in the table, each line of the table is in some group.
said = {row[0]: [re.findall(r"\w+", row[1]), row[2]] for row in table("Measurements")}
seen = set()
for group in results["measurements"].values():
    same(group.name, ["operator", "operator_settings"], sorted(group.attrs))
    for name, dataset in group.items():
        if is_scale(dataset) and name != "sigma":
            assert re.match(r"(pixel|measured|kernel)_(y|x|channel)$", name), name
            continue
        seen.add(name)
        axes, kind = said[name]
        found = [] if is_scale(dataset) else dimensions(dataset)
        if name in ("mask", "kernel") and dataset.ndim == 2:
            axes = axes[1:]
        if name == "y":
            found = [axis.replace("measured_", "pixel_") for axis in found]
        same(group.name + "/" + name, [axes, kind], [found, type_of(dataset)])
same("datasets of measurements", sorted(said), sorted(seen))

# Any other group has a heading of its name and a table of the same form; columns of `row` need not be said again.
for group in set(groups) - {"measurements"}:
    said = {row[0]: [re.findall(r"\w+", row[1]), row[2]] for row in table(group.capitalize())}
    found = {name: [dimensions(item), type_of(item)] for name, item in results[group].items()
             if not is_scale(item) and name not in columns}
    same(f"{group}'s columns", [name for name in columns if name not in results[group]], [])
    same(group, said, found)

for name, item in results.items():
    if isinstance(item, h5py.Dataset):
        assert item.attrs["long_name"], name
print(f"{len(columns)} columns, {len(results.attrs)} attributes, {len(results['measurements'])} groups")
