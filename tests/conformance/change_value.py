"""Changes one stored value of an HDF5 file: change_value.py FILE DATASET[@ATTRIBUTE] [INDEX]

A number v becomes v + 1 + |v|/10 (integers: v + 1), so that no tolerance can cover it.
"""
import sys

import h5py
import numpy as np


def changed(value):
    return value + 1 if np.issubdtype(np.asarray(value).dtype, np.integer) else value + 1 + abs(value) / 10


path, name = sys.argv[1:3]
with h5py.File(path, "r+") as file:
    if "@" in name:
        holder, attribute = name.split("@")
        file[holder].attrs.modify(attribute, changed(file[holder].attrs[attribute]))
    else:
        data = file[name][...]
        index = int(sys.argv[3]) if len(sys.argv) > 3 else data.size // 2
        data.flat[index] = changed(data.flat[index])
        file[name][...] = data
