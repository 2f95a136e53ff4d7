"""Times equal forms of the costly pairs (upsampling or deconvolution and convolution, convolution and
pooling), the three passes of a convolution beside a matrix product, and instance normalisation.

    python benchmarks/convolution_forms.py [float32] [bfloat16]

Prints three Markdown tables: medians of interleaved rounds. The forms that won are
`convolve_upsampled`, `convolve_deconvolved` and `convolve_and_pool` in autogan/nets/layers.py.
"""

import argparse
from collections.abc import Callable
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.device.memory import keep_freed_memory
from autogan.device.timing import interleaved
from autogan.nets.layers import (
    convolve_and_pool,
    convolve_deconvolved,
    convolve_upsampled,
    deconvolution,
    instance_norm,
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


def bilinear_first(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The textbook form."""
    return F.conv2d(_bilinear(x), weight, bias, padding=1)


def blurred_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Bilinear upsampling is nearest upsampling and a blur, which may as well follow the convolution.

    So the convolution needs four multiply-accumulates for each output pixel instead of nine; but at
    the border, where its zero padding and the blur do not commute, pixels are made the textbook way.
    """
    transposed = weight.flip(2, 3).transpose(0, 1)
    kernel = 4 * F.avg_pool2d(F.pad(transposed, (1, 1, 1, 1)), kernel_size=2, stride=1)
    y = F.conv_transpose2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, stride=2, padding=2)
    row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype)
    blur = torch.outer(row, row).expand(y.shape[1], 1, 3, 3)
    y = F.conv2d(y, blur.to(memory_format=torch.channels_last), bias, groups=y.shape[1])
    first, last = slice(None, 2), slice(-2, None)
    y[:, :, :1] = _edge(x[:, :, first], weight[:, :, 1:], bias, (0, 1))[:, :, :1]
    y[:, :, -1:] = _edge(x[:, :, last], weight[:, :, :2], bias, (0, 1))[:, :, -1:]
    y[..., :1] = _edge(x[..., first], weight[..., 1:], bias, (1, 0))[..., :1]
    y[..., -1:] = _edge(x[..., last], weight[..., :2], bias, (1, 0))[..., -1:]
    return y


def _edge(x: Tensor, weight: Tensor, bias: Tensor, padding: tuple[int, int]) -> Tensor:
    """Rows or columns made of two of x; the outermost one is right."""
    return F.conv2d(_bilinear(x), weight, bias, padding=padding)


def _bilinear(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


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
    "bilinear upsampling, 3×3": {
        "textbook": bilinear_first,
        "transposed 4×4, blur": blurred_last,
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
    """Prints how fast each pass of a 3×3 convolution is, in both layouts.

    Beside them: the matrix product that the gradient of the weights is, with its operands laid out.
    """
    print(
        "\n| images × channels × side | layout "
        "| GFLOP/s: forward, of the input, of the weights, as one product |"
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
            gradient = torch.randn(images * side**2, channels)
            columns = torch.randn(images * side**2, 9 * channels)
            ways: dict[str, Callable[[], object]] = {
                "forward": lambda x=x, w=weight: F.conv2d(x.detach(), w.detach(), padding=1),
                "input": lambda x=x, y=y, by=by: torch.autograd.grad(y, x, by, retain_graph=True),
                "weights": lambda w=weight, y=y, by=by: torch.autograd.grad(
                    y, w, by, retain_graph=True
                ),
                "product": lambda g=gradient, c=columns: g.T @ c,
            }
            timings = interleaved(ways, torch.device("cpu"), seconds=1.5)
            work = 2 * 9 * images * channels**2 * side**2 / 1e6
            cells = ", ".join(f"{work / timings[way].median_ms:.0f}" for way in ways)
            print(f"| {images} × {channels} × {side} | {name} | {cells} |")


def instance_norms() -> None:
    """Prints the milliseconds of PyTorch's instance normalisation and of ours, channels-last."""
    print("\n| instance normalisation | forward: ms | forward and backward: ms |")
    print("| --- | --- | --- |")
    for images, channels, side in SHAPES:
        x, by = (
            torch.randn(images, channels, side, side).to(memory_format=torch.channels_last)
            for _ in range(2)
        )
        cells = []
        for backward in (False, True):
            ways = {
                name: partial(_normalised, norm, x.requires_grad_(backward), by)
                for name, norm in (("PyTorch's", F.instance_norm), ("ours", instance_norm))
            }
            timings = interleaved(ways, torch.device("cpu"), seconds=1.5)
            cells.append(", ".join(f"{way}: {t.median_ms:.1f}" for way, t in timings.items()))
        print(f"| {images} × {channels} × {side} |", " | ".join(cells), "|")


def _normalised(norm: Callable[[Tensor], Tensor], x: Tensor, by: Tensor) -> None:
    """Normalises, gives the next layer what it takes, and goes back if a gradient is wanted."""
    y = norm(x).contiguous(memory_format=torch.channels_last)
    if y.requires_grad:
        torch.autograd.grad(y, x, by)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("precisions", nargs="*", help="float32, bfloat16; both without a word")
    precisions = parser.parse_args().precisions
    keep_freed_memory()
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
    instance_norms()


if __name__ == "__main__":
    main()
