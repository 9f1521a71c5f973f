"""Converts the golden groups that tests/gpu/check needs into safetensors, so that no HDF5 is needed beside a GPU:
golden_groups.py networks.h5 OUT.safetensors."""
import json
import struct
import sys

import h5py
import numpy as np

names = ("gd_a", "gd_b", "gd_e")
tensors = {}
with h5py.File(sys.argv[1]) as golden:
    for name in names:
        for part in ("x", "t", "y", "g", "out", "vjp"):
            if part in golden[name]:
                tensors[f"{name}/{part}"] = golden[name][part][:].astype("<f4")

header, at = {}, 0
for name, values in sorted(tensors.items()):
    header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
    at += values.nbytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[2], "wb") as out:
    out.write(struct.pack("<Q", len(text)) + text)
    for name, values in sorted(tensors.items()):
        out.write(np.ascontiguousarray(values).tobytes())
