"""Steps recorded as CUDA graphs: what a GPU spends on launching kernels is spent once.

At 8×8 and 16×16 pixels a step is some hundred small kernels, and launching them takes longer than they
run. A recorded step is launched as one. It repeats the same kernels on the same addresses, so all that
differs from step to step must lie in tensors: the inputs are copied to where the recording reads them,
weights, moments and learning rates are changed in place.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from torch import Tensor

MOST_RECORDINGS = 128
"""Recordings that are kept; the one that was not used for longest makes room."""

Step = Callable[..., Tensor]
"""Tensors to one tensor, with everything that it changes on the way."""


class Recorder(Protocol):
    """What runs and records steps: `CudaRecorder`, or in the tests a stand-in for a CPU."""

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        """Does the step at once, in the place where it will be recorded."""

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Records the step without doing it; each call of the answer does it, and returns the same
        tensor with a new value."""


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
        with torch.cuda.stream(self._stream):
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


class Recordings:
    """Steps by key: done directly the first time, recorded the second, replayed from then on.

    So a step that comes only once is never recorded. A key names everything about a step that is not
    in its input tensors; the shapes of these must not change under one key.
    """

    def __init__(self, recorder: Recorder, most: int = MOST_RECORDINGS) -> None:
        self._recorder = recorder
        self._most = most
        self._seen: set[Hashable] = set()
        self._recorded: OrderedDict[Hashable, tuple[tuple[Tensor, ...], Callable[[], Tensor]]]
        self._recorded = OrderedDict()

    def __len__(self) -> int:
        return len(self._recorded)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._recorded

    def run(self, key: Hashable, step: Step, *inputs: Tensor) -> Tensor:
        """`step(*inputs)`; the result is the caller's own."""
        if key not in self._recorded:
            if key not in self._seen:
                self._seen.add(key)
                return self._recorder.run(lambda: step(*inputs)).clone()
            own = tuple(tensor.clone() for tensor in inputs)
            self._recorded[key] = own, self._recorder.record(lambda: step(*own))
            if len(self._recorded) > self._most:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(key)
        places, replay = self._recorded[key]
        for place, tensor in zip(places, inputs, strict=True):
            place.copy_(tensor, non_blocking=True)
        return replay().clone()

    def clear(self) -> None:
        """Forgets everything: to be called when tensors that steps use were replaced by others."""
        self._seen.clear()
        self._recorded.clear()
