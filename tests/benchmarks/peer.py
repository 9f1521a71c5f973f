"""One run of a reference implementation, in its own Python environment and process; whole_runs.py --peers starts it.

Restores images behind a box with DPS on one thread and prints a line of JSON: seconds of the sampling loop, network calls an
image, and peak memory in MiB. `make` instead writes a network with random weights, as a checkpoint folder.

deepinv samples as it is, by its DPS class and its DiffUNet's own forward path; DiffUNet's layers, whose sizes are fixed there,
are replaced by those of the network to be timed. The DPS reference is stripped of what it computes in vain: gradients are
asked of x alone, attention is not computed a second time for its gradient (deepinv's is not either), the measurement is not
noised at every step, and nothing is drawn, printed or read back.
"""

import argparse
import json
import pathlib
import resource
import sys
import time
import types

import torch


def reference_modules(clone):
    """The DPS reference's modules. Its utilities import a motion blur that its authors do not include and that is not needed."""
    blur = types.ModuleType("motionblur.motionblur")
    blur.Kernel = None
    sys.modules.setdefault("motionblur", types.ModuleType("motionblur"))
    sys.modules.setdefault("motionblur.motionblur", blur)
    sys.path.insert(0, str(clone))
    from guided_diffusion import condition_methods, gaussian_diffusion, unet
    return unet, gaussian_diffusion, condition_methods


def make_network(unet, settings):
    names = ("image_size", "num_channels", "num_res_blocks", "channel_mult", "learn_sigma", "class_cond",
             "attention_resolutions", "num_heads", "num_head_channels", "num_heads_upsample", "use_scale_shift_norm",
             "resblock_updown", "use_new_attention_order")
    # Looks for weights even where none are named, and says that there are none.
    stdout, sys.stdout = sys.stdout, sys.stderr
    network = unet.create_model(**{name: settings[name] for name in names if name in settings})
    sys.stdout = stdout
    for module in network.modules():
        if isinstance(module, unet.AttentionBlock):
            module.forward = module._forward
    return network.eval()


def write_network(unet, folder, settings):
    from safetensors.torch import save_file
    torch.manual_seed(0)
    network = make_network(unet, settings)
    weights = network.state_dict()
    for name, weight in weights.items():  # a new network starts with zeros in places
        if weight.abs().max() == 0:
            weights[name] = 0.02 * torch.randn_like(weight)
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    diffusion = {"diffusion_steps": 1000, "learn_sigma": settings["learn_sigma"], "sigma_small": False,
                 "noise_schedule": "linear", "timestep_respacing": "", "rescale_timesteps": False}
    (folder / "config.json").write_text(json.dumps(
        {"format": "guided-diffusion", "model": settings, "diffusion": diffusion}))


def box_mask(side):
    mask = torch.ones(1, 1, side, side)
    begin = (side - side * 3 // 8) // 2
    mask[..., begin:begin + side * 3 // 8, begin:begin + side * 3 // 8] = 0
    return mask


def deepinv_sampler(network, steps, mask):
    from deepinv.models import DiffUNet
    from deepinv.physics import GaussianNoise, Inpainting
    from deepinv.sampling import DPS
    denoiser = DiffUNet(pretrained=None)
    for part in ("time_embed", "input_blocks", "middle_block", "output_blocks", "out"):
        setattr(denoiser, part, getattr(network, part))
    denoiser.model_channels = network.model_channels
    denoiser.eval()
    side = mask.shape[-1]
    physics = Inpainting(img_size=(3, side, side), mask=mask[0].expand(3, side, side).clone(),
                         noise_model=GaussianNoise(0.05))
    sampler = DPS(denoiser, max_iter=steps)
    return lambda images: sampler(physics((images + 1) / 2), physics)


def reference_sampler(network, steps, mask, settings, gaussian_diffusion, condition_methods):
    network.requires_grad_(False)
    sampler = gaussian_diffusion.create_sampler(
        sampler="ddpm", steps=1000, noise_schedule="linear", model_mean_type="epsilon",
        model_var_type="learned_range" if settings["learn_sigma"] else "fixed_small", dynamic_threshold=False,
        clip_denoised=True, rescale_timesteps=False, timestep_respacing=[steps])
    operator = types.SimpleNamespace(forward=lambda data, mask: data * mask)
    guide = condition_methods.get_conditioning_method("ps", operator, types.SimpleNamespace(__name__="gaussian"), scale=0.5)

    def sample(images):
        y = images * mask + 0.05 * torch.randn_like(images)
        x_t = torch.randn_like(images)
        for step in reversed(range(steps)):
            x_t = x_t.detach().requires_grad_()
            out = sampler.p_sample(model=network, x=x_t, t=torch.full((len(images),), step))
            x_t, _ = guide.conditioning(x_prev=x_t, x_t=out["sample"], x_0_hat=out["pred_xstart"], measurement=y, mask=mask)
        return x_t.detach()

    return sample


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["make", "deepinv", "dps"])
    parser.add_argument("--clone", type=pathlib.Path, required=True, help="of the DPS reference")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="checkpoint folder; made by make")
    parser.add_argument("--settings", help="of the network to make, JSON")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    unet, gaussian_diffusion, condition_methods = reference_modules(given.clone)
    if given.what == "make":
        write_network(unet, given.model, json.loads(given.settings))
        return
    from safetensors.torch import load_file
    settings = json.loads((given.model / "config.json").read_text())["model"]
    network = make_network(unet, settings)
    network.load_state_dict(load_file(given.model / "model.safetensors"))
    torch.manual_seed(1)
    mask = box_mask(given.side)
    images = 2 * torch.rand(given.batch, 3, given.side, given.side) - 1
    if given.what == "deepinv":
        sample = deepinv_sampler(network, given.steps, mask)
    else:
        sample = reference_sampler(network, given.steps, mask, settings, gaussian_diffusion, condition_methods)
    begin = time.monotonic()
    restored = sample(images)
    seconds = time.monotonic() - begin
    if not restored.isfinite().all():
        sys.exit("the sample is not finite")
    print(json.dumps({"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main()
