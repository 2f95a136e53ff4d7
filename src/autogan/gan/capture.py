"""Steps recorded as CUDA graphs: what a GPU spends on launching kernels is spent once.

At 8×8 and 16×16 pixels a step is some hundred small kernels, and launching them takes longer than they
run. A recorded step is launched as one. It repeats the same kernels on the same addresses, so all that
differs from step to step must lie in tensors: the inputs are copied to where the recording reads them,
weights, moments and learning rates are changed in place.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

RECORDING_BYTES = 2 * 2**20
"""What a recording takes of a GPU's memory: 1.3 MiB measured on an H100 for a step of 600 kernels at 32
pixels, and its result."""
SHARE_OF_MEMORY = 1 / 8
"""That recordings may fill."""
PATIENCE = 20_000
"""Steps for which a recording is kept though it is not used."""

Step = Callable[..., Tensor]
"""Tensors, or None where there is nothing to give, to one tensor, with everything that it changes on
the way."""


def recordings_in(memory_bytes: int) -> int:
    """How many recordings a GPU of so much memory keeps at once.

    As many as there are architectures is best: at its last stage the paper's search draws from ten beams
    and 144 cells, each with a recording of its images and one of the generator's step.
    """
    return int(memory_bytes * SHARE_OF_MEMORY / RECORDING_BYTES)


class Recorder(Protocol):
    """What runs and records steps: `CudaRecorder`, or in the tests a stand-in for a CPU."""

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        """Does the step at once, in the place where it will be recorded."""

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Records the step without doing it; each call of the answer does it, and returns the same
        tensor with a new value."""

    def forget(self) -> None:
        """All that was recorded is given up."""


class CudaRecorder:
    """Records CUDA graphs that share one pool of memory, on one stream beside the current one.

    They may share it, and in any order, because nothing that a recorded step allocates outlives it but
    its result.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        """As `Recorder.run`: the first run of a step sets up what libraries allocate only once."""
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream), warnings.catch_warnings():
            # An optimiser that can be recorded warns when it is not being recorded.
            warnings.filterwarnings("ignore", ".*capturable=True.*")
            result = step()
        current.wait_stream(self._stream)
        return result

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """As `Recorder.record`."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            result = step()

        def replay() -> Tensor:
            graph.replay()
            return result

        return replay

    def forget(self) -> None:
        """As `Recorder.forget`: a pool whose graphs are gone is not recorded into again."""
        self._pool = torch.cuda.graph_pool_handle()


@dataclass
class _Recording:
    """Where a recorded step reads its inputs, what does it, and when it was last done."""

    places: tuple[Tensor | None, ...]
    replay: Callable[[], Tensor]
    used_at: int


class Recordings:
    """Steps by key: done directly the first time, recorded the second, replayed from then on.

    So a step that comes only once is never recorded. Where there is no room, the recording that was not
    used for longest goes, but only if it was not used for `patience` steps; else the new step is done
    directly. Otherwise a search that still tries everything would record all the time.

    A key names everything about a step that is not in its input tensors; their shapes, and which of
    them there are, must not change under one key.
    """

    def __init__(self, recorder: Recorder, most: int = 512, patience: int = PATIENCE) -> None:
        self._recorder = recorder
        self._most = most
        self._patience = patience
        self._steps = 0
        self._seen: set[Hashable] = set()
        self._recorded: OrderedDict[Hashable, _Recording] = OrderedDict()

    def __len__(self) -> int:
        return len(self._recorded)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._recorded

    def run(self, key: Hashable, step: Step, *inputs: Tensor | None) -> Tensor:
        """`step(*inputs)`; the result is the caller's own."""
        self._steps += 1
        if key not in self._recorded:
            if key not in self._seen or not self._makes_room():
                self._seen.add(key)
                return self._recorder.run(lambda: step(*inputs)).clone()
            own = tuple(None if tensor is None else tensor.clone() for tensor in inputs)
            self._recorded[key] = _Recording(own, self._recorder.record(lambda: step(*own)), 0)
        recording = self._recorded[key]
        self._recorded.move_to_end(key)
        recording.used_at = self._steps
        for place, tensor in zip(recording.places, inputs, strict=True):
            if place is not None and tensor is not None:
                place.copy_(tensor, non_blocking=True)
        return recording.replay().clone()

    def _makes_room(self) -> bool:
        """Whether one more recording can be kept."""
        if len(self._recorded) < self._most:
            return True
        longest_unused = next(iter(self._recorded.values()))
        if self._steps - longest_unused.used_at <= self._patience:
            return False
        self._recorded.popitem(last=False)
        return True

    def clear(self) -> None:
        """Forgets everything: to be called when tensors that steps use were replaced by others."""
        self._seen.clear()
        self._recorded.clear()
        self._recorder.forget()
