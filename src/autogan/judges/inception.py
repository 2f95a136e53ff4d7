"""The Inception judge: the network of 2015 that published scores are made with.

The network is torch-fidelity's port of the TensorFlow graph, with its resizing to 299 pixels. Its
weights are one file, known by its SHA-256. Weights that fit the network but are another file can be
used when they are named, under a name of their own: `inception-2015` is that one file and no other.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import (
    URL_INCEPTION_V3,
    FeatureExtractorInceptionV3,
)

from autogan.basics.errors import UserError
from autogan.files.paths import expanded
from autogan.judges.base import Judge, Judgement, check_images
from autogan.settings.judge import INCEPTION_CLASSES, INCEPTION_FEATURES
from autogan.settings.judge import INCEPTION_WEIGHTS_VARIABLE as VARIABLE

FILE_NAME = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Of the file of that name, 95,628,359 bytes, that torch-fidelity publishes."""
NAME = "inception-2015"
_BATCH = 50  # images at 299×299 whose feature maps are in memory at once


class Network(FeatureExtractorInceptionV3):  # type: ignore[misc] # it has no types
    """torch-fidelity's network: made without weights, on the meta device, and given them after.

    Its own constructor unpickles a file without safeguards, so it is handed an empty one.
    """

    def __init__(self) -> None:
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        with torch.device("meta"):
            super().__init__(
                "inception-v3-compat",
                ["2048", "logits_unbiased"],
                feature_extractor_weights_path=nothing,
            )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = True
    ) -> Any:
        """Takes the tensors themselves as weights; `RuntimeError` for names or shapes of others."""
        if state_dict:  # else the constructor's call, with the nothing that it read
            return super().load_state_dict(state_dict, strict, assign)


class InceptionJudge(Judge):
    """Inception v3 of 2015 as a judge: 2,048 pooled features, 1,008 classes.

    The probabilities are the softmax of the logits without their bias, as in the program that the
    Inception score was published with and in torch-fidelity. Computed in float32.
    """

    kind = "inception"

    def __init__(self, weights: dict[str, Tensor], name: str, device: torch.device):
        """`UserError` if the weights are not those of this network."""
        network = Network()
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise UserError(
                "These weights are not of the Inception network of 2015 as torch-fidelity builds it: "
                f"{_shortened(str(error))}"
            ) from None
        self.network = network.to(device, torch.float32)
        self.device = device
        self.name = name
        self.feature_dimension = INCEPTION_FEATURES
        self.class_count = INCEPTION_CLASSES

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Judgement:
        """Judge one batch: uint8 B×3×H×H with values 0 to 255, of any H (resized inside)."""
        check_images(images)
        features, logits = zip(
            *(self.network(part.to(self.device)) for part in torch.split(images, _BATCH)),
            strict=True,
        )
        return Judgement(torch.cat(features), torch.cat(logits).softmax(1))


def inception_judge(file: Path | None, device: torch.device) -> InceptionJudge:
    """The judge with the weights in `file`, else in the file that the environment names, else in
    torch-fidelity's cache, else downloaded to there.

    `UserError` for weights that are missing, damaged or another network's. A `file` (or the
    environment's) with another digest makes a judge named `inception-unverified-` and its digest.
    """
    named = file or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        return read_judge(expanded(named), device)
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME
    if not path.exists():
        _download(path)
    if _sha256(path) != SHA256:
        raise UserError(
            f"{path} is damaged: its SHA-256 is not {SHA256}. Delete it; it is then downloaded again."
        )
    return read_judge(path, device)


def read_judge(path: Path, device: torch.device) -> InceptionJudge:
    """The judge with the weights of one file, named by their digest; nothing in it is executed."""
    if not path.is_file():
        raise UserError(f"There is no file of Inception weights {path}. {_where_from()}")
    digest = _sha256(path)
    name = NAME if digest == SHA256 else f"inception-unverified-{digest[:8]}"
    try:
        return InceptionJudge(_read_tensors(path), name, device)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        weights: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes of another kind of file make an unpickler raise anything
        raise UserError(
            f"This is no whole file of weights alone ({_shortened(str(error))}) {_where_from()}"
        ) from None
    by_name = isinstance(weights, dict) and all(isinstance(w, Tensor) for w in weights.values())
    if not by_name or not weights:
        raise UserError(f"This file holds something else than weights by name. {_where_from()}")
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise UserError(f"The weights {name!r} hold NaN or infinite values.")
    return weights


def _download(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(
            URL_INCEPTION_V3, str(path), hash_prefix=SHA256, progress=False
        )
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(
            f"The weights of the Inception judge are not here and could not be downloaded ({error}). "
            f"{_where_from()} Or use the judge that is trained on your own images: --judge domain "
            "(in a run: --set judge.kind=domain)."
        ) from None


def _where_from() -> str:
    cached = Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME
    return (
        f"The file is {FILE_NAME}, from {URL_INCEPTION_V3}: put it at {cached}, or name its place with "
        f"--inception-weights or the environment variable {VARIABLE}."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shortened(text: str, length: int = 300) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= length else joined[:length] + "…"
