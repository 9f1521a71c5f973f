"""Changes one stored value of an HDF5 file: DATASET or OBJECT@ATTRIBUTE.

A number v becomes v + 1 + |v|/10 (integers: v + 1), so that no tolerance can cover it.
"""
import argparse

import h5py
import numpy as np


def changed(value):
    return value + 1 if np.issubdtype(np.asarray(value).dtype, np.integer) else value + 1 + abs(value) / 10


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("path")
parser.add_argument("name")
parser.add_argument("index", type=int, nargs="?", help="in C order; the middle one where it is not given")
parser.add_argument("--keep", nargs="+", help="groups of the root that stay, all where it is not given")
arguments = parser.parse_args()

with h5py.File(arguments.path, "r+") as file:
    for group in set(file) - set(arguments.keep or file):
        del file[group]
    if "@" in arguments.name:
        holder, attribute = arguments.name.split("@")
        file[holder].attrs.modify(attribute, changed(file[holder].attrs[attribute]))
    else:
        data = file[arguments.name][...]
        index = data.size // 2 if arguments.index is None else arguments.index
        data.flat[index] = changed(data.flat[index])
        file[arguments.name][...] = data
