"""Times equal forms of the costly pairs (upsampling or deconvolution and convolution, convolution and
pooling), and the three passes of a convolution.

    python benchmarks/convolution_forms.py [float32] [bfloat16]

Prints two Markdown tables: medians of interleaved rounds. The forms that won are
`convolve_upsampled`, `convolve_deconvolved` and `convolve_and_pool` in autogan/nets/layers.py.
"""

import sys
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.bench.measure import interleaved
from autogan.nets.layers import (
    convolve_and_pool,
    convolve_deconvolved,
    convolve_upsampled,
    deconvolution,
)

Form = Callable[[Tensor, Tensor, Tensor], Tensor]
SHAPES = ((64, 128, 16), (64, 128, 8), (64, 64, 32), (32, 48, 16))
"""Images, channels, side of the input."""


def upsampled_first(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The textbook form."""
    return F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, bias, padding=1)


def four_small(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Four 2×2 convolutions at the low resolution, one for each phase of the output, interleaved."""
    side = x.shape[-1]
    rows = (
        torch.stack([weight[:, :, 0], weight[:, :, 1] + weight[:, :, 2]], 2),
        torch.stack([weight[:, :, 0] + weight[:, :, 1], weight[:, :, 2]], 2),
    )
    phases = []
    for down, row in enumerate(rows):
        kernels = (
            torch.stack([row[..., 0], row[..., 1] + row[..., 2]], 3),
            torch.stack([row[..., 0] + row[..., 1], row[..., 2]], 3),
        )
        for right, kernel in enumerate(kernels):
            y = F.conv2d(x, kernel, bias, padding=1)
            phases.append(y[:, :, down : down + side, right : right + side])
    upper, lower = torch.stack(phases[:2], -1), torch.stack(phases[2:], -1)
    return torch.stack([upper, lower], 3).reshape(len(x), -1, 2 * side, 2 * side)


def deconvolved_first(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The textbook form."""
    return F.conv2d(_learned(x)(x), weight, bias, padding=1)


def deconvolved_within(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Both kernels joined."""
    return convolve_deconvolved(x, _learned(x), weight, bias)


@cache
def _deconvolution_of(channels: int) -> nn.ConvTranspose2d:
    return deconvolution(channels, channels).to(memory_format=torch.channels_last)


def _learned(x: Tensor) -> nn.ConvTranspose2d:
    """One deconvolution for each number of channels."""
    return _deconvolution_of(x.shape[1])


def pooled_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The textbook form."""
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)


PAIRS: dict[str, dict[str, Form]] = {
    "nearest upsampling, 3×3": {
        "textbook": upsampled_first,
        "four 2×2": four_small,
        "transposed 4×4": convolve_upsampled,
    },
    "deconvolution, 3×3": {
        "textbook": deconvolved_first,
        "transposed 4×4": deconvolved_within,
    },
    "3×3, average pooling": {"textbook": pooled_last, "4×4 of stride 2": convolve_and_pool},
}


def step(form: Form, tensors: list[Tensor], dtype: torch.dtype) -> Callable[[], object]:
    """A call that goes forward and backward once."""

    def call() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            form(*tensors).float().sum().backward()

    return call


def passes() -> None:
    """Prints how fast each pass of a 3×3 convolution is, in both layouts."""
    print(
        "\n| images × channels × side | layout | GFLOP/s: forward, of the input, of the weights |"
    )
    print("| --- | --- | --- |")
    for images, channels, side in SHAPES:
        for name, layout in (
            ("contiguous", torch.contiguous_format),
            ("channels-last", torch.channels_last),
        ):
            shapes = ((images, channels, side, side), (channels, channels, 3, 3))
            x, weight = (
                torch.randn(shape).to(memory_format=layout).requires_grad_() for shape in shapes
            )
            y = F.conv2d(x, weight, padding=1)
            by = torch.randn_like(y)
            ways: dict[str, Callable[[], object]] = {
                "forward": lambda x=x, w=weight: F.conv2d(x.detach(), w.detach(), padding=1),
                "input": lambda x=x, y=y, by=by: torch.autograd.grad(y, x, by, retain_graph=True),
                "weights": lambda w=weight, y=y, by=by: torch.autograd.grad(
                    y, w, by, retain_graph=True
                ),
            }
            timings = interleaved(ways, torch.device("cpu"), seconds=1.5)
            work = 2 * 9 * images * channels**2 * side**2 / 1e6
            cells = ", ".join(f"{work / timings[way].median_ms:.0f}" for way in ways)
            print(f"| {images} × {channels} × {side} | {name} | {cells} |")


def main(precisions: list[str]) -> None:
    """Prints both tables."""
    dtypes = [torch.float32, torch.bfloat16]
    if precisions:
        dtypes = [dtype for dtype in dtypes if str(dtype).removeprefix("torch.") in precisions]
    print("| pair | images × channels × side | precision | form: ms |")
    print("| --- | --- | --- | --- |")
    for name, forms in PAIRS.items():
        for images, channels, side in SHAPES:
            for dtype in dtypes:
                tensors = [
                    torch.randn(images, channels, side, side),
                    torch.randn(channels, channels, 3, 3),
                    torch.randn(channels),
                ]
                last = torch.channels_last
                placed = [t.to(memory_format=last) if t.ndim == 4 else t for t in tensors]
                leaves = [t.requires_grad_() for t in placed]
                expected = next(iter(forms.values()))(*leaves)
                for form in forms.values():
                    torch.testing.assert_close(form(*leaves), expected, rtol=1e-3, atol=1e-2)
                ways = {label: step(form, leaves, dtype) for label, form in forms.items()}
                timings = interleaved(ways, torch.device("cpu"), seconds=1.5)
                cells = ", ".join(f"{label}: {t.median_ms:.1f}" for label, t in timings.items())
                precision = str(dtype).removeprefix("torch.")
                print(f"| {name} | {images} × {channels} × {side} | {precision} | {cells} |")
    passes()


if __name__ == "__main__":
    main(sys.argv[1:])
