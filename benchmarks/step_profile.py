"""Shows where the time of a search step goes: the share of each kind of operation.

    python benchmarks/step_profile.py --precision bfloat16

On the CPU at the paper's widths, over eight architectures in turn, as in `autogan bench`; float32 if
nothing is said. Prints a Markdown table.
"""

import argparse
from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile

from autogan.bench.cases import SEARCH, adversarial_steps
from autogan.device.compute import Compute
from autogan.gan.step import Gan

KINDS = {
    "convolutions, forward": ("mkldnn_convolution", "_convolution", "_slow_conv2d_forward"),
    "convolutions, backward": ("convolution_backward",),
    "normalisation": ("native_batch_norm", "native_batch_norm_backward"),
    "ReLU": ("clamp_min", "clamp_min_", "threshold_backward"),
    "copies between layouts": ("copy_",),
    "sums of maps": ("add", "add_"),
    "interpolation and pooling": (
        *("upsample_nearest2d", "upsample_nearest2d_backward", "avg_pool2d"),
        *("upsample_bilinear2d", "upsample_bilinear2d_backward", "avg_pool2d_backward"),
    ),
}
"""Operations of ATen by kind, without their "aten::"; all others are the rest."""
CALLS = 4
"""Of five discriminator steps and one generator step each, so that every architecture is met."""


def shares(stage: int, precision: str) -> Counter[str]:
    """The part of all time that each kind takes at one stage, from 0 to 1."""
    steps = adversarial_steps(Gan, 3, stage, SEARCH, Compute.resolve("cpu", precision))
    steps()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(CALLS):
            steps()
    taken: Counter[str] = Counter()
    for operation in recorded.key_averages():
        name = operation.key.removeprefix("aten::")
        kind = next((kind for kind, names in KINDS.items() if name in names), "the rest")
        taken[kind] += operation.self_cpu_time_total
    return Counter({kind: microseconds / taken.total() for kind, microseconds in taken.items()})


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    precision = parser.parse_args().precision
    torch.manual_seed(0)
    stages = [shares(stage, precision) for stage in range(3)]
    print("| share of a search step's time | 8×8 | 16×16 | 32×32 |\n| --- | --- | --- | --- |")
    for kind in (*KINDS, "the rest"):
        print(f"| {kind} |", " | ".join(f"{stage[kind]:.0%}" for stage in stages), "|")


if __name__ == "__main__":
    main()
