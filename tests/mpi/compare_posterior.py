"""Two results.h5 hold the same digest and the same group `posterior`: compare_posterior.py ONE OTHER."""
import sys

import h5py
import numpy as np

one, other = (h5py.File(path) for path in sys.argv[1:])
assert one.attrs["content_digest"] == other.attrs["content_digest"]
names = sorted(one["posterior"])
assert names == sorted(other["posterior"]) and "mean" in names
for name in names:
    a, b = one["posterior"][name][:], other["posterior"][name][:]
    assert a.tobytes() == b.tobytes() if a.dtype != object else (a == b).all(), name
samples = one["posterior/samples"][:]
assert (samples == 3).all() and len(samples) == 6
print(len(names), "the same,", len(samples), "entries,", f"spread {np.nanmean(one['posterior/spread'][:]):.3f}")
