"""Holds two results.h5 of the same plan to each other, one image of the second being damaged: compare_rows.py WHOLE DAMAGED NAME."""
import sys

import h5py
import numpy as np

whole, damaged = (h5py.File(path) for path in sys.argv[1:3])
bad = damaged["image_name"].asstr()[:] == sys.argv[3]
unreadable = h5py.check_enum_dtype(damaged["status"].dtype)
unreadable = unreadable["unreadable"] if unreadable else 2
for column in ("image_name", "method", "restored", "psnr", "ssim", "lpips", "residual", "nfe"):
    a, b = whole[column][:][~bad], damaged[column][:][~bad]
    assert (a.tobytes() == b.tobytes()) if a.dtype.kind == "f" else (a == b).all(), column
assert (damaged["status"][:][bad] == unreadable).all(), damaged["status"][:]
assert (damaged["status"][:][~bad] == 0).all(), damaged["status"][:]
reasons = damaged["image_error"].asstr()[:]
assert all(sys.argv[3] in reason for reason in reasons[bad]) and (reasons[~bad] == "").all(), reasons
assert np.isnan(damaged["psnr"][:][bad]).all() and np.isnan(damaged["lpips"][:][bad]).all()
print(f"{(~bad).sum()} rows the same, {bad.sum()} unreadable")
