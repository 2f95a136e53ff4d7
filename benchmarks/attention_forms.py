"""What attention costs a generator: softmax with all its weights at once, in parts, and linear attention.

    OMP_NUM_THREADS=1 python benchmarks/attention_forms.py

Each takes a map in and its gradient back. The forms take turns; times are processor milliseconds, medians.
Memory is for the largest map: the peak of a process of its own above that of one with a small map. Prints
Markdown.
"""

import argparse
import multiprocessing
import statistics
import time

import torch

from autogan.device.memory import keep_freed_memory, peak_memory_mib
from autogan.device.processor import processor_name
from autogan.nets.attention import (
    Attention,
    LinearAttention,
    SoftmaxAttention,
    SoftmaxAttentionInParts,
)
from autogan.nets.layers import initialise

FORMS: dict[str, type[Attention]] = {
    "softmax, all weights": SoftmaxAttention,
    "softmax, in parts": SoftmaxAttentionInParts,
    "linear": LinearAttention,
}
PRECISIONS = ("float32", "bfloat16")
SMALL_SIDE = 4


class Attending:
    """One form with weights, and a map for it."""

    def __init__(self, form: str, side: int, precision: str, given: argparse.Namespace) -> None:
        self.attention = FORMS[form](given.channels)
        initialise(self.attention, torch.Generator().manual_seed(0))
        torch.nn.init.ones_(self.attention.strength)
        self.attention.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        maps = torch.randn(given.batch, given.channels, side, side)
        self.maps = maps.contiguous(memory_format=torch.channels_last)
        self.autocast = precision == "bfloat16"

    def __call__(self) -> float:
        """Processor milliseconds of both ways."""
        maps = self.maps.clone().requires_grad_()
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            attended = self.attention(maps)
        attended.backward(attended.detach())
        return 1000 * (time.process_time() - began)


def peak_mib(form: str, side: int, precision: str, given: argparse.Namespace) -> int:
    """Peak of a process that attends twice."""
    with multiprocessing.get_context("spawn").Pool(1) as alone:
        return alone.apply(_attend_twice, (form, side, precision, given))


def _attend_twice(form: str, side: int, precision: str, given: argparse.Namespace) -> int:
    keep_freed_memory()
    attending = Attending(form, side, precision, given)
    attending()
    attending()
    return peak_memory_mib()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    keep_freed_memory()  # as every command does
    print(f"{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    columns = [f"{side}×{side}, ms" for side in given.sides] + [f"MiB at {max(given.sides)}"]
    print("| precision | form | " + " | ".join(columns) + " |")
    print("| --- " * (2 + len(columns)) + "|")
    for precision in PRECISIONS:
        cells: dict[str, list[str]] = {form: [] for form in FORMS}
        for side in given.sides:
            forms = {form: Attending(form, side, precision, given) for form in FORMS}
            taken = [{form: forms[form]() for form in forms} for _ in range(given.rounds)]
            for form, listed in cells.items():
                listed.append(f"{statistics.median(each[form] for each in taken):.1f}")
        for form, listed in cells.items():
            sides = max(given.sides), SMALL_SIDE
            peak, least = (peak_mib(form, side, precision, given) for side in sides)
            print(f"| {precision} | {form} | " + " | ".join([*listed, f"{peak - least:,}"]) + " |")


if __name__ == "__main__":
    main()
