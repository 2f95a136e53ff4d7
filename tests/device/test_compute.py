"""Devices by name: what is refused, what 'auto' stands for, and what a decided one says of itself."""

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.device.compute import Compute, gpu_name
from autogan.device.processes import Processes


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says it has one CUDA GPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: f"GPU at {device}")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: True)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)


def test_auto_takes_a_gpu_with_bfloat16_and_graphs(cuda: None) -> None:
    compute = Compute.resolve()
    assert compute.describe() == "cuda, bfloat16, channels-last, CUDA graphs"
    assert Compute.resolve("cuda:0", "float32", capture="none").describe() == (
        "cuda:0, float32, channels-last"
    )
    assert gpu_name("auto") == gpu_name("cuda") == "GPU at cuda"
    assert gpu_name("cuda:0") == "GPU at cuda:0" and gpu_name("cpu") is None


def test_float32_is_no_shorter_format_on_a_gpu(cuda: None) -> None:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    Compute.resolve("cuda", "float32")
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


def test_auto_takes_the_processor_where_there_is_no_gpu(no_gpu: None) -> None:
    compute = Compute.resolve(precision="float32", layout="contiguous")
    assert (compute.device, compute.precision) == (torch.device("cpu"), "float32")
    assert compute.describe() == "cpu, float32, contiguous" and not compute.captures
    assert Compute.resolve("cpu", "bfloat16").precision == "bfloat16"
    assert gpu_name("auto") is None and gpu_name("cuda") is None


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused(no_gpu: None, device: str) -> None:
    with pytest.raises(UserError, match=rf"compute\.device is '{device}', but torch sees no"):
        Compute.resolve(device)


def test_a_gpu_beyond_those_there_are_is_refused(cuda: None) -> None:
    with pytest.raises(UserError, match=r"compute\.device is 'cuda:1', but torch sees 1 CUDA GPU"):
        Compute.resolve("cuda:1")
    assert gpu_name("cuda:1") is None


def test_each_of_several_processes_takes_a_gpu_of_its_own(
    cuda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    second = Processes(rank=1, count=2, local_rank=1)
    for device in ("auto", "cuda"):
        assert Compute.resolve(device, processes=second).device == torch.device("cuda:1")
    assert Compute.resolve("cpu", processes=second).device == torch.device("cpu")
    for device in ("cuda:0", "cuda:1"):
        with pytest.raises(UserError, match=f"compute.device is '{device}', and 2 processes train"):
            Compute.resolve(device, processes=second)
