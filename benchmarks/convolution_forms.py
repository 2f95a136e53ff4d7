"""Times equal forms of the two costly pairs: upsampling and convolution, convolution and pooling.

    python benchmarks/convolution_forms.py

Prints a Markdown table: forward and backward, medians of interleaved rounds. The forms that won are
`convolve_upsampled` and `convolve_and_pool` in autogan/nets/layers.py.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.bench.measure import interleaved
from autogan.nets.layers import convolve_and_pool, convolve_upsampled

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


def pooled_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The textbook form."""
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)


PAIRS: dict[str, dict[str, Form]] = {
    "nearest upsampling, 3×3": {
        "textbook": upsampled_first,
        "four 2×2": four_small,
        "transposed 4×4": convolve_upsampled,
    },
    "3×3, average pooling": {"textbook": pooled_last, "4×4 of stride 2": convolve_and_pool},
}


def step(form: Form, tensors: list[Tensor], dtype: torch.dtype) -> Callable[[], object]:
    """A call that goes forward and backward once."""

    def call() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            form(*tensors).float().sum().backward()

    return call


def main() -> None:
    """Prints the table."""
    print("| pair | images × channels × side | precision | form: ms |")
    print("| --- | --- | --- | --- |")
    for name, forms in PAIRS.items():
        for images, channels, side in SHAPES:
            for dtype in (torch.float32, torch.bfloat16):
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


if __name__ == "__main__":
    main()
