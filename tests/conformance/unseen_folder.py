"""Writes a folder in the format of tests/golden with U-Nets and operators that no golden file has: written a second time, in
NumPy and float64, from the descriptions of the two families of networks and of the operators, with random weights, other
sizes and other switches.

usage: unseen_folder.py FOLDER
"""
import json
import pathlib
import sys

import h5py
import numpy as np

random = np.random.default_rng(20)


class Weights:
    """Made when they are first asked for, under the name and with the shape that the network gives; exact in float16."""

    def __init__(self):
        self.tensors = {}

    def get(self, name, *shape):
        if name not in self.tensors:
            fan_in = np.prod(shape[1:]) if len(shape) > 1 else 25
            values = random.standard_normal(shape) / np.sqrt(max(fan_in, 1))
            self.tensors[name] = values.astype(np.float16).astype(np.float64)
        assert self.tensors[name].shape == shape, (name, shape)
        return self.tensors[name]

    def norm(self, name, channels):
        return 1 + self.get(name + ".weight", channels), self.get(name + ".bias", channels)

    def save(self, path):
        header, position, parts = {}, 0, []
        for name in sorted(self.tensors):
            # Norm weights are 1 + what was drawn
            values = self.tensors[name] + (1 if name in self.norms else 0)
            part = np.ascontiguousarray(values, dtype="<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [position, position + len(part)]}
            position += len(part)
            parts.append(part)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))

    norms = frozenset()


def silu(x):
    return x / (1 + np.exp(-x))


def conv(w, name, x, out, size=3, stride=1, pads=None):
    weight, bias = w.get(name + ".weight", out, x.shape[1], size, size), w.get(name + ".bias", out)
    before, after = pads or (size // 2, size // 2)
    x = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True) + bias[:, None, None]


def linear(w, name, x, out):
    return x @ w.get(name + ".weight", out, x.shape[1]).T + w.get(name + ".bias", out)


def norm(w, name, x, groups, eps):
    w.norms = w.norms | {name + ".weight"}
    weight, bias = w.norm(name, x.shape[1])
    grouped = x.reshape(x.shape[0], groups, -1)
    grouped = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + eps)
    return grouped.reshape(x.shape) * weight[:, None, None] + bias[:, None, None]


def halved(x):
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def doubled(x):
    return x.repeat(2, 2).repeat(2, 3)


def attend(q, k, v):
    """[N, heads, c, T] each → the same."""
    scores = np.einsum("nhct,nhcs->nhts", q, k) / np.sqrt(q.shape[2])
    scores = np.exp(scores - scores.max(3, keepdims=True))
    return np.einsum("nhts,nhcs->nhct", scores / scores.sum(3, keepdims=True), v)


def embedding(t, width, sine_first, shift):
    half = width // 2
    frequencies = np.exp(np.arange(half, dtype=np.float32) * np.float32(-np.log(10000)) / np.float32(half - shift))
    angles = t[:, None].astype(np.float64) * frequencies.astype(np.float64)
    parts = [np.sin(angles), np.cos(angles)]
    return np.concatenate(parts if sine_first else parts[::-1], 1)


def guided_diffusion(w, c, x, t, labels=None):
    width, heads, eps = c["num_channels"], c["num_heads"], 1e-5
    mult, blocks = c["channel_mult"], c["num_res_blocks"]
    attending = [c["image_size"] // r for r in c["attention_resolutions"]]
    e = linear(w, "time_embed.0", embedding(t, width, False, 0), 4 * width)
    e = linear(w, "time_embed.2", silu(e), 4 * width)
    if labels is not None:
        e = e + w.get("label_emb.weight", c["num_classes"], 4 * width)[labels]

    def residual(name, x, out, resample=lambda x: x):
        h = conv(w, name + ".in_layers.2", resample(silu(norm(w, name + ".in_layers.0", x, 32, eps))), out)
        scales = c["use_scale_shift_norm"]
        added = linear(w, name + ".emb_layers.1", silu(e), 2 * out if scales else out)[:, :, None, None]
        if scales:
            h = norm(w, name + ".out_layers.0", h, 32, eps) * (1 + added[:, :out]) + added[:, out:]
        else:
            h = norm(w, name + ".out_layers.0", h + added, 32, eps)
        h = conv(w, name + ".out_layers.3", silu(h), out)
        x = resample(x)
        return h + (x if x.shape[1] == out else conv(w, name + ".skip_connection", x, out, 1))

    def attention(name, x):
        n, channels, rows, columns = x.shape
        h = norm(w, name + ".norm", x, 32, eps).reshape(n, channels, -1)
        qkv = np.einsum("oc,nct->not", w.get(name + ".qkv.weight", 3 * channels, channels, 1)[:, :, 0], h)
        qkv = qkv + w.get(name + ".qkv.bias", 3 * channels)[:, None]
        if c["use_new_attention_order"]:
            parts = [part.reshape(n, heads, channels // heads, -1) for part in np.split(qkv, 3, 1)]
        else:
            parts = np.split(qkv.reshape(n, heads, 3 * channels // heads, -1), 3, 2)
        h = attend(*parts).reshape(n, channels, -1)
        h = np.einsum("oc,nct->not", w.get(name + ".proj_out.weight", channels, channels, 1)[:, :, 0], h)
        return x + (h + w.get(name + ".proj_out.bias", channels)[:, None]).reshape(x.shape)

    h = conv(w, "input_blocks.0.0", x, int(mult[0] * width))
    kept, place, factor = [h], 1, 1
    for level, m in enumerate(mult):
        for _ in range(blocks):
            h = residual(f"input_blocks.{place}.0", h, int(m * width))
            if factor in attending:
                h = attention(f"input_blocks.{place}.1", h)
            kept.append(h)
            place += 1
        if level + 1 < len(mult):
            name = f"input_blocks.{place}.0"
            h = residual(name, h, h.shape[1], halved) if c["resblock_updown"] else conv(w, name + ".op", h, h.shape[1], 3, 2)
            kept.append(h)
            place, factor = place + 1, factor * 2
    h = residual("middle_block.0", h, h.shape[1])
    h = residual("middle_block.2", attention("middle_block.1", h), h.shape[1])
    place = 0
    for level in reversed(range(len(mult))):
        for i in range(blocks + 1):
            name = f"output_blocks.{place}"
            h = residual(name + ".0", np.concatenate([h, kept.pop()], 1), int(mult[level] * width))
            layer = 1
            if factor in attending:
                h = attention(name + ".1", h)
                layer = 2
            if level > 0 and i == blocks:
                up = f"{name}.{layer}"
                h = residual(up, h, h.shape[1], doubled) if c["resblock_updown"] else conv(w, up + ".conv", doubled(h), h.shape[1])
                factor //= 2
            place += 1
    out = c.get("in_channels", 3) * (2 if c["learn_sigma"] else 1)
    return conv(w, "out.2", silu(norm(w, "out.0", h, 32, eps)), out)


def diffusers(w, c, x, t):
    widths, groups, eps = c["block_out_channels"], c["norm_num_groups"], c["norm_eps"]
    if c["center_input_sample"]:
        x = 2 * x - 1
    e = embedding(t, widths[0], not c["flip_sin_to_cos"], c["freq_shift"])
    e = linear(w, "time_embedding.linear_2", silu(linear(w, "time_embedding.linear_1", e, 4 * widths[0])), 4 * widths[0])
    scales = c["resnet_time_scale_shift"] == "scale_shift"

    def residual(name, x, out):
        h = conv(w, name + ".conv1", silu(norm(w, name + ".norm1", x, groups, eps)), out)
        added = linear(w, name + ".time_emb_proj", silu(e), 2 * out if scales else out)[:, :, None, None]
        if scales:
            h = norm(w, name + ".norm2", h, groups, eps) * (1 + added[:, :out]) + added[:, out:]
        else:
            h = norm(w, name + ".norm2", h + added, groups, eps)
        h = conv(w, name + ".conv2", silu(h), out)
        return h + (x if x.shape[1] == out else conv(w, name + ".conv_shortcut", x, out, 1))

    def attention(name, x):
        n, channels, rows, columns = x.shape
        heads = channels // c["attention_head_dim"]
        h = norm(w, name + ".group_norm", x, groups, eps).reshape(n, channels, -1).transpose(0, 2, 1).reshape(-1, channels)
        q, k, v = (linear(w, f"{name}.to_{part}", h, channels).reshape(n, -1, heads, channels // heads).transpose(0, 2, 3, 1)
                   for part in "qkv")
        h = attend(q, k, v).transpose(0, 3, 1, 2).reshape(-1, channels)
        return x + linear(w, name + ".to_out.0", h, channels).reshape(n, -1, channels).transpose(0, 2, 1).reshape(x.shape)

    h = conv(w, "conv_in", x, widths[0])
    kept = [h]
    for level, (width, kind) in enumerate(zip(widths, c["down_block_types"])):
        for i in range(c["layers_per_block"]):
            h = residual(f"down_blocks.{level}.resnets.{i}", h, width)
            if kind.startswith("Attn"):
                h = attention(f"down_blocks.{level}.attentions.{i}", h)
            kept.append(h)
        if level + 1 < len(widths):
            pads = (0, 1) if c["downsample_padding"] == 0 else (1, 1)
            h = conv(w, f"down_blocks.{level}.downsamplers.0.conv", h, width, 3, 2, pads)
            kept.append(h)
    h = residual("mid_block.resnets.0", h, h.shape[1])
    if c["add_attention"]:
        h = attention("mid_block.attentions.0", h)
    h = residual("mid_block.resnets.1", h, h.shape[1])
    for level, (width, kind) in enumerate(zip(reversed(widths), c["up_block_types"])):
        for i in range(c["layers_per_block"] + 1):
            h = residual(f"up_blocks.{level}.resnets.{i}", np.concatenate([h, kept.pop()], 1), width)
            if kind.startswith("Attn"):
                h = attention(f"up_blocks.{level}.attentions.{i}", h)
        if level + 1 < len(widths):
            h = conv(w, f"up_blocks.{level}.upsamplers.0.conv", doubled(h), width)
    return conv(w, "conv_out", silu(norm(w, "conv_norm_out", h, groups, eps)), c["out_channels"])


flags = {"diffusion_steps": 1000, "noise_schedule": "linear", "num_head_channels": -1, "num_heads_upsample": -1,
         "class_cond": False}
guided_nets = {
    "grey_tall": (dict(flags, image_size=32, in_channels=1, num_channels=32, num_res_blocks=1, channel_mult=[1, 2],
                       attention_resolutions=[16], num_heads=2, learn_sigma=False, use_scale_shift_norm=False,
                       resblock_updown=False, use_new_attention_order=True), (2, 1, 24, 10)),
    "four_channels_wide": (dict(flags, image_size=24, in_channels=4, num_channels=64, num_res_blocks=2,
                                channel_mult=[0.5, 1, 1], attention_resolutions=[24, 6], num_heads=1, learn_sigma=True,
                                use_scale_shift_norm=True, resblock_updown=True, use_new_attention_order=False),
                           (2, 4, 8, 20)),
    "classes": (dict(flags, image_size=16, num_channels=32, num_res_blocks=1, channel_mult=[1, 1],
                     attention_resolutions=[8], num_heads=4, learn_sigma=True, use_scale_shift_norm=True,
                     resblock_updown=False, use_new_attention_order=False, class_cond=True, num_classes=5),
                (3, 3, 8, 8)),
}
plain = {"_class_name": "UNet2DModel", "_diffusers_version": "0.30.0", "act_fn": "silu", "mid_block_scale_factor": 1,
         "time_embedding_type": "positional"}
diffusers_nets = {
    "pipeline_oblong": (dict(plain, sample_size=16, in_channels=3, out_channels=3, center_input_sample=True, freq_shift=0,
                             flip_sin_to_cos=True, down_block_types=["DownBlock2D", "AttnDownBlock2D"],
                             up_block_types=["AttnUpBlock2D", "AttnUpBlock2D"], block_out_channels=[12, 20],
                             layers_per_block=1, downsample_padding=1, attention_head_dim=4, norm_num_groups=4,
                             norm_eps=1e-5, resnet_time_scale_shift="scale_shift", add_attention=True), (2, 3, 16, 6)),
    "pipeline_grey": (dict(plain, sample_size=8, in_channels=1, out_channels=2, center_input_sample=False, freq_shift=1,
                           flip_sin_to_cos=False, down_block_types=["AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
                           up_block_types=["UpBlock2D", "AttnUpBlock2D", "UpBlock2D"], block_out_channels=[8, 12, 16],
                           layers_per_block=2, downsample_padding=0, attention_head_dim=4, norm_num_groups=2, norm_eps=1e-6,
                           resnet_time_scale_shift="default", add_attention=False), (3, 1, 8, 12)),
}


def cubic(x):
    """Keys' cubic with a = -1/2."""
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def resize_matrix(length, factor, is_average):
    rows = np.zeros((length // factor, length))
    for i in range(length // factor):
        for tap in range(-3 * factor, 4 * factor):
            j = i * factor + tap
            if is_average:
                weight = 1.0 if 0 <= tap < factor else 0.0
            else:
                weight = cubic((i * factor + (factor - 1) / 2 - j) / factor)
            mirrored = j % (2 * length)
            rows[i, mirrored if mirrored < length else 2 * length - 1 - mirrored] += weight
        rows[i] /= rows[i].sum()
    return rows


def blur_matrix(height, width, kernel):
    """Of one channel, [height width, height width]: cross-correlation, the border mirrored without its pixel."""
    reach = kernel.shape[0] // 2, kernel.shape[1] // 2
    mirror = lambda place, length: -place if place < 0 else 2 * length - 2 - place if place >= length else place
    matrix = np.zeros((height * width, height * width))
    for y in range(height):
        for x in range(width):
            for (a, b), tap in np.ndenumerate(kernel):
                from_y, from_x = mirror(y + a - reach[0], height), mirror(x + b - reach[1], width)
                matrix[y * width + x, from_y * width + from_x] += tap
    return matrix


def write_operators(path):
    with h5py.File(path, "w") as file:
        def write(name, x, forward, adjoint, **more):
            group = file.create_group(name)
            Ax = forward(x.astype(np.float64))
            v = random.standard_normal(Ax.shape).astype(np.float32)
            group["x"], group["v"], group["Ax"] = x, v, Ax.astype(np.float32)
            group["ATv"] = adjoint(v.astype(np.float64)).astype(np.float32)
            group.attrs["x"] = group.attrs["v"] = np.bytes_("own")
            for key, value in more.items():
                if isinstance(value, np.ndarray):
                    group[key] = value
                else:
                    group.attrs[key] = value

        for name, shape, factor, is_average in (("super_resolution_average_x3", (2, 1, 9, 15), 3, True),
                                                ("super_resolution_bicubic_x2", (1, 4, 6, 16), 2, False),
                                                ("super_resolution_bicubic_x5", (1, 3, 10, 25), 5, False)):
            V, W = (resize_matrix(length, factor, is_average) for length in shape[2:])
            write(name, random.standard_normal(shape).astype(np.float32), lambda x: V @ x @ W.T, lambda y: V.T @ y @ W,
                  scale=factor)
        kernel = random.standard_normal((3, 7)).astype(np.float32)
        shape = (2, 2, 8, 11)
        matrix = blur_matrix(8, 11, kernel.astype(np.float64))
        apply = lambda m: lambda x: (x.reshape(2, 2, -1) @ m.T).reshape(shape)
        write("uneven_kernel", random.standard_normal(shape).astype(np.float32), apply(matrix), apply(matrix.T), kernel=kernel)


def main(folder):
    weights = folder / "weights"
    weights.mkdir(parents=True)
    write_operators(folder / "operators.h5")
    with h5py.File(folder / "networks.h5", "w") as file:
        for name, (config, shape) in {**guided_nets, **diffusers_nets}.items():
            w = Weights()
            x = random.standard_normal(shape).astype(np.float32)
            t = np.array([7, 0, 3])[: shape[0]]
            group = file.create_group(name)
            if name in guided_nets:
                labels = np.array([4, 0, 2])[: shape[0]] if config["class_cond"] else None
                out = guided_diffusion(w, config, x.astype(np.float64), t, labels)
                w.save(weights / f"{name}.safetensors")
                (weights / f"{name}.json").write_text(json.dumps(config))
                if labels is not None:
                    group["y"] = labels
            else:
                out = diffusers(w, config, x.astype(np.float64), t)
                (weights / name / "unet").mkdir(parents=True)
                (weights / name / "scheduler").mkdir()
                w.save(weights / name / "unet" / "diffusion_pytorch_model.safetensors")
                (weights / name / "unet" / "config.json").write_text(json.dumps(config))
                (weights / name / "scheduler" / "scheduler_config.json").write_text(
                    json.dumps({"_class_name": "DDPMScheduler", "num_train_timesteps": 1000}))
            group["x"], group["t"], group["out"] = x, t, out.astype(np.float32)


main(pathlib.Path(sys.argv[1]))
