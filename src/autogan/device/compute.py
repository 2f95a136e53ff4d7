"""Where and in which number format the networks run: the one place that decides it.

A command decides once, when it begins, and hands the `Compute` down.
"""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import nn

from autogan.basics.errors import UserError
from autogan.device.memory import Memory, keep_freed_memory, main_memory
from autogan.device.processes import ALONE, Processes

AnyModule = TypeVar("AnyModule", bound=nn.Module)
Precision = Literal["float32", "bfloat16"]
PRECISIONS: dict[Precision, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}
"""By name, what forward passes are cast to."""


@dataclass(frozen=True)
class Compute:
    """Device, precision and memory layout of the networks, and whether steps are recorded.

    Losses, spectral norms, optimisers and scores are float32 or better in every case: `resolve` switches
    NVIDIA's shorter TF32 off in this process, which torch takes for convolutions if nobody says otherwise.
    """

    device: torch.device
    autocast_dtype: torch.dtype | None
    memory_format: torch.memory_format
    captures: bool = False
    """Whether training steps are recorded as CUDA graphs (see `capture`)."""
    processes: Processes = ALONE
    """Those that train one generator together."""

    @classmethod
    def resolve(
        cls,
        device: str = "auto",
        precision: str = "auto",
        layout: str = "auto",
        capture: str = "auto",
        processes: Processes = ALONE,
    ) -> "Compute":
        """The named choices; "auto" takes what is fastest here. On a CPU, freed memory is kept.

        device: "auto" (CUDA, else CPU), "cpu", "cuda", "cuda:1", "mps".
        precision: "auto" (bfloat16 on CUDA GPUs and CPUs that are faster in it), "float32", "bfloat16".
        layout: "auto" (channels-last), "channels-last", "contiguous".
        capture: "auto" (on CUDA GPUs), "graphs", "none".

        processes: of several, each takes a GPU of its own, and steps are not recorded: the exchange of
        gradients lies in their middle.

        Raises `UserError` for a device that is not there, for one GPU that several processes would share,
        and for graphs where there is no CUDA GPU.
        """
        chosen = _device(device)
        if processes.count > 1 and chosen.type == "cuda":
            if chosen.index is not None:
                raise UserError(
                    f"compute.device is {device!r}, and {processes.count} processes train together, each on "
                    "a GPU of its own. Use cuda or auto; CUDA_VISIBLE_DEVICES chooses the GPUs."
                )
            chosen = torch.device("cuda", processes.local_rank)
        _refuse_missing(chosen)
        if capture == "graphs" and chosen.type != "cuda":
            raise UserError(
                f"compute.capture is 'graphs', which only CUDA GPUs have; compute.device is "
                f"{device!r}. Use auto or none."
            )
        if chosen.type == "cpu":
            keep_freed_memory()
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        bfloat16 = precision == "bfloat16" or (precision == "auto" and _faster_in_bfloat16(chosen))
        contiguous = layout == "contiguous"
        return cls(
            chosen,
            PRECISIONS["bfloat16" if bfloat16 else "float32"],
            torch.contiguous_format if contiguous else torch.channels_last,
            chosen.type == "cuda" and capture != "none" and processes.count == 1,
            processes,
        )

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """The context in which forward passes run."""
        if self.autocast_dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast_dtype)

    def place(self, module: AnyModule) -> AnyModule:
        """`module` on the device and in the layout."""
        return module.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload]

    def with_precision(self, precision: Precision) -> "Compute":
        """The same device and layout in another precision."""
        return replace(self, autocast_dtype=PRECISIONS[precision])

    @property
    def precision(self) -> Precision:
        """By the name that the settings give it."""
        return "bfloat16" if self.autocast_dtype else "float32"

    @property
    def memory(self) -> Memory:
        """All that the device has; of what shares the main memory, that and swap."""
        if self.device.type == "cuda":
            size = int(torch.cuda.get_device_properties(self.device).total_memory)
            return Memory(size, "the GPU has", holds_program=False)
        return main_memory()

    def describe(self) -> str:
        """Device, precision, layout and capture, for people and logs."""
        channels_last = self.memory_format is torch.channels_last
        layout = "channels-last" if channels_last else "contiguous"
        return f"{self.device}, {self.precision}, {layout}{', CUDA graphs' * self.captures}"


def gpu_name(device: str) -> str | None:
    """The name of the CUDA GPU that a device ("auto" too) stands for on this machine, if it is one."""
    chosen = _device(device)
    if chosen.type != "cuda" or (chosen.index or 0) >= torch.cuda.device_count():
        return None
    return str(torch.cuda.get_device_name(chosen))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _refuse_missing(device: torch.device) -> None:
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"compute.device is {str(device)!r}, but torch sees no CUDA GPU. Use cpu or auto."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"compute.device is {str(device)!r}, but torch sees {torch.cuda.device_count()} CUDA "
            "GPU(s), counted from cuda:0."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("compute.device is 'mps', but torch sees no Apple GPU. Use cpu or auto.")


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for it, so that it may be faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _faster_in_bfloat16(device: torch.device) -> bool:
    """Whether a wide network is most likely faster in bfloat16, where nothing was measured.

    AMD's dot products of bfloat16 run at twice the speed of float32. Intel's without AMX have the
    instruction at no such gain (measured: a discriminator step of 64 channels takes 114 ms in it and
    86 ms in float32).
    """
    if device.type == "cpu" and not torch.cpu._is_amx_tile_supported():
        return computes_in_bfloat16(device) and _processor_is_amds()
    return computes_in_bfloat16(device)


def _processor_is_amds() -> bool:
    information = Path("/proc/cpuinfo")
    return information.exists() and "AuthenticAMD" in information.read_text()
