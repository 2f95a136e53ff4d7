"""What hostile input must come through, and the sound files that it is made from."""

import hashlib
import io
import json
import re
import resource
import struct
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from autogan import cli
from autogan.basics.errors import UserError
from autogan.cli.common import app
from autogan.settings.loading import load_settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import save_generator

assert cli.main  # importing it registers all commands

MOST_SECONDS = 10
MOST_MIB = 1024
SMALL = ("data.image_size=16", "search.stage_weights=[1,1]", "search.iterations=2")


# What every input must come through


def peak_mib() -> float:
    """The most memory held since `forget_peak`; where the system cannot forget, since the start."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def forget_peak() -> float:
    """Begins to measure the peak anew; the memory held now, in MiB.

    What the process held before (torch, and whatever earlier tests left) is not the command's.
    """
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5")
    return peak_mib()


def contents(folder: Path) -> dict[str, str]:
    """A digest of every file of a folder that a command must leave alone."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def survived(inputs: Path, *arguments: object, codes: tuple[int, ...] = (0, 2)) -> str:
    """Runs a command on hostile input; what it said. `inputs` must stay as it is."""
    before = contents(inputs)
    held_mib = forget_peak()
    began = time.monotonic()
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    seconds = time.monotonic() - began
    error = result.exception
    if error is not None and not isinstance(error, UserError | SystemExit):
        raise AssertionError(f"a traceback for {arguments}") from error
    assert isinstance(error, UserError) or result.exit_code in codes, result.output
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s for {arguments}"
    taken_mib = peak_mib() - held_mib
    assert taken_mib < MOST_MIB, f"{taken_mib:.0f} MiB for {arguments}"
    assert contents(inputs) == before
    if not isinstance(error, UserError):
        return result.output
    assert len(str(error)) < 10_000
    return str(error)


def refused(inputs: Path, *arguments: object) -> str:
    """As `survived`, for input that must not be taken."""
    return survived(inputs, *arguments, codes=(2,))


# Sound files, which are then damaged


def image_bytes(form: str = "PNG", size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, form)
    return stream.getvalue()


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(12):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", image_bytes())
    return stream.getvalue()


def tar_bytes(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for number in range(12):
            member(archive, tarfile.TarInfo(f"{'ab'[number % 2]}/{number}.png"), image_bytes())
        for info, content in members:
            member(archive, info, content)
    return stream.getvalue()


def member(archive: tarfile.TarFile, info: tarfile.TarInfo, content: bytes) -> None:
    if info.size:  # a claim: the header alone
        archive.fileobj.write(info.tobuf())  # type: ignore[union-attr]
    else:
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def generator_bytes(folder: Path) -> bytes:
    file = folder / "sound.safetensors"
    if not file.exists():
        generator = AutoGanGenerator.for_architecture(
            Architecture.parse("pre-batch-nearest/post-none-deconvolution+skip0"),
            latent_size=4, channels=4, bottom_size=4,
        )  # fmt: skip
        save_generator(file, generator, generator.state_dict(), {"settings": None})
    return file.read_bytes()


def checkpoint_bytes() -> bytes:
    stream = io.BytesIO()
    torch.save({"gen_state_dict": {"a.weight": torch.ones(3)}, "epoch": 3}, stream)
    return stream.getvalue()


def statistics_bytes() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, mu=np.zeros(4), sigma=np.eye(4))
    return stream.getvalue()


def run_files() -> dict[str, bytes]:
    described = {
        "task": {"command": "run", "architecture": None},
        "settings": load_settings(overrides=SMALL).model_dump(mode="json"),
        "environment": {"torch": "2"},
    }
    architecture = "pre-batch-nearest/pre-batch-nearest"
    child = {"architecture": architecture, "stage": 1, "iteration": 1, "purpose": "derive"}
    child |= {"reward": 1.5, "seconds": 0.5}
    validation = {"generator_steps": 1, "inception_score": 1.0, "frechet_distance": 2.0}
    candidate = {"architecture": architecture, "shared_reward": 1.5, "generator_steps": 1}
    candidate |= {"validation": validation, "file": "candidates/0.safetensors"}
    data = {"name": "x", "digest": "0", "training_images": 9, "held_out_images": 3}
    lines = [
        {"event": "losses", "seconds": 1, "part": "search", "step": 1, "stage": 0}
        | {"discriminator_loss": 1.0, "generator_loss": 1.0},
        {"event": "child", **child},
        {"event": "validation", "seconds": 1, "part": "train", **validation},
    ]
    values = {
        "data.json": data,
        "architectures.json": {"stages": [], "ranking": [child], "scored": 1},
        "derive.json": {"ranking": [child], "candidates": [candidate]},
        "timings.json": {"search": 1.0},
        "results.json": {"schema": 1, "architecture": architecture, "data": data, "judge": {}},
    }
    files = {name: json.dumps(value).encode() for name, value in values.items()}
    files["config.yaml"] = yaml.safe_dump(described).encode()
    files["log.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return files


def safetensors_parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def safetensors_of(header: Any, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body
