"""The Inception judge: its scores are torch-fidelity's, and no other network passes as it.

The weights are random, which changes nothing about the equality. The network sees images at 75 pixels
instead of 299 (on both sides), because a convolution network costs 16 times less there.
"""

import hashlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity import calculate_metrics
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from autogan.basics.errors import UserError
from autogan.judges import (
    FeatureStatistics,
    InceptionJudge,
    Judge,
    Reference,
    frechet_distance,
    inception_judge,
    inception_score,
    score,
)
from autogan.judges import inception as module
from autogan.testing import JudgeConformance

CPU = torch.device("cpu")
IMAGES = 40


class Pixels(Dataset[Tensor]):
    """Images as torch-fidelity takes them."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        return self.pixels[index]


def images(seed: int, brightness: int) -> Tensor:
    """uint8 40×3×32×32: blurred noise, as bright as said."""
    noise = torch.randn(IMAGES, 3, 36, 36, generator=torch.Generator().manual_seed(seed))
    return (brightness + 160 * nn.functional.avg_pool2d(noise, 5, 1)).clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module", autouse=True)
def at_75_pixels() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "INPUT_IMAGE_SIZE", 75)
        patch.delenv(module.VARIABLE, raising=False)
        yield


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Random weights, with batch statistics of images: without them features hardly differ."""
    network = module.Network().to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
            layer.reset_running_stats()
            layer.momentum = None  # the statistics of all that was seen
        elif isinstance(layer, nn.Linear):
            layer.weight.normal_(0, 0.1, generator=generator)
            layer.bias.normal_(0, 1, generator=generator)
    network.train()(images(0, 128)[:16])
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def file(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def judge(file: Path) -> InceptionJudge:
    return inception_judge(file, CPU)


class TestConformance(JudgeConformance):
    @pytest.fixture(autouse=True)
    def loaded(self, judge: InceptionJudge) -> None:
        self.judge = judge

    def make(self) -> Judge:
        return self.judge


def fidelity(file: Path, **wanted: object) -> dict[str, float]:
    """torch-fidelity's own metrics of the generated (1) and the real images (2)."""
    return calculate_metrics(
        input1=Pixels(images(1, 110)),
        input2=Pixels(images(2, 140)),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(file),
        cuda=False,
        batch_size=20,
        save_cpu_ram=True,  # no worker processes
        verbose=False,
        **wanted,
    )


def test_inception_score_kernel_distance_precision_and_recall_are_torch_fidelitys(
    judge: InceptionJudge, file: Path
) -> None:
    theirs = fidelity(file, isc=True, isc_splits=4, kid=True, kid_subset_size=IMAGES // 2, prc=True)
    generated, real = judge(images(1, 110)), judge(images(2, 140))
    assert generated.features.std(0).mean() > 0.1  # the images differ to the judge

    ours = inception_score(generated.probabilities, 4, shuffle_seed=2020, allow_few=True)
    assert ours.mean == pytest.approx(theirs["inception_score_mean"], rel=1e-4)
    assert ours.std == pytest.approx(theirs["inception_score_std"], rel=1e-4)
    assert ours.mean > 1.2

    statistics = FeatureStatistics.from_features(real.features)
    reference = Reference(statistics, real.features, IMAGES, judge.name)
    scores = score(judge, torch.split(images(1, 110), 16), IMAGES, reference, inception_splits=4)
    mean, std = "kernel_inception_distance_mean", "kernel_inception_distance_std"
    assert scores.kernel_distance == pytest.approx(theirs[mean], rel=1e-4)
    assert scores.kernel_distance_std == pytest.approx(theirs[std], rel=1e-4)
    assert scores.precision == pytest.approx(theirs["precision"], rel=1e-4)
    assert scores.recall == pytest.approx(theirs["recall"], rel=1e-4)
    assert 0 < theirs["precision"] < 1

    # Of 40 images neither of these can be given, and nobody gets a number instead.
    assert scores.inception_score is scores.frechet_distance is None
    assert "2048 features needs at least 2049 images" in " ".join(scores.marks)
    assert "at least 2000 images, not 40" in " ".join(scores.marks)


SLOW = pytest.mark.skipif(
    "AUTOGAN_SLOW_TESTS" not in os.environ,
    reason="set AUTOGAN_SLOW_TESTS: the eigenvalues of 2048×2048 numbers take a while",
)


@pytest.mark.parametrize("layer", ["192", pytest.param("2048", marks=SLOW)])
def test_frechet_distance_is_torch_fidelitys(
    judge: InceptionJudge, file: Path, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = fidelity(file, fid=True, feature_layer_fid=layer)["frechet_inception_distance"]
    monkeypatch.setattr(judge.network, "features_list", [layer])
    statistics = [
        FeatureStatistics.from_features(judge.network(pixels)[0])
        for pixels in (images(1, 110), images(2, 140))
    ]
    assert frechet_distance(*statistics, allow_few=True) == pytest.approx(theirs, rel=1e-4)


def test_published_weights_are_known_by_their_digest_alone(
    judge: InceptionJudge, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert judge.name == f"inception-unverified-{digest[:8]}"
    monkeypatch.setattr(module, "SHA256", digest)
    assert inception_judge(file, CPU).name == "inception-2015"
    assert module.FILE_NAME.endswith("6726825d.pth")


def test_weights_come_from_the_option_the_environment_or_the_cache(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Path] = []
    monkeypatch.setattr(module, "read_judge", lambda path, device: used.append(path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / module.FILE_NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"something")
    with pytest.raises(UserError, match="damaged"):
        inception_judge(None, CPU)
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(b"something").hexdigest())
    inception_judge(None, CPU)
    monkeypatch.setenv(module.VARIABLE, str(file))
    inception_judge(None, CPU)
    inception_judge(tmp_path / "named.pth", CPU)
    assert used == [cached, file, tmp_path / "named.pth"]
    with pytest.raises(UserError, match="is no path"):
        inception_judge(Path("~nobody-of-this-name/named.pth"), CPU)


def test_absent_and_offline_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError) as refused:
        inception_judge(None, CPU)
    for named in (
        str(tmp_path / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"),
        "--inception-weights",
        module.VARIABLE,
        "--judge domain",
        "no network",
    ):
        assert named in str(refused.value)
    with pytest.raises(UserError, match=r"nowhere.pth.*6726825d.pth"):
        inception_judge(tmp_path / "nowhere.pth", CPU)


class Malicious:
    """Would write a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.target, "executed")


def test_a_pickle_with_code_is_refused_and_not_executed(tmp_path: Path) -> None:
    target = tmp_path / "executed"
    torch.save({"fc.weight": Malicious(target)}, tmp_path / "new.pth")
    (tmp_path / "old.pth").write_bytes(pickle.dumps(Malicious(target)))
    for name in ("new.pth", "old.pth"):
        with pytest.raises(UserError, match="no whole file of weights"):
            inception_judge(tmp_path / name, CPU)
    assert not target.exists()


def test_no_other_network_passes_as_inception(
    weights: dict[str, Tensor], file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.pth"
    # Of the right names and shapes, in a small file: every weight is one number, many times.
    weights = {name: torch.zeros(()).expand(w.shape) for name, w in weights.items()}

    def refusal(content: object) -> str:
        torch.save(content, path)
        with pytest.raises(UserError) as refused:
            inception_judge(path, CPU)
        assert str(path) in str(refused.value)
        return str(refused.value)

    # torchvision's Inception has 1,000 classes, others have other names or lack some.
    assert "fc.weight" in refusal({**weights, "fc.weight": torch.zeros(1000, 2048)})
    assert "Unexpected key" in refusal({**weights, "AuxLogits.fc.bias": torch.zeros(1000)})
    lacking = {k: v for k, v in weights.items() if k != "Mixed_7c.branch1x1.conv.weight"}
    assert "Mixed_7c.branch1x1.conv.weight" in refusal(lacking)
    assert "not of the Inception network" in refusal(nn.Linear(2, 3).state_dict())
    assert "something else" in refusal({"state_dict": weights})
    assert "something else" in refusal([1, 2])
    assert "'fc.bias' hold NaN" in refusal({**weights, "fc.bias": torch.full((1008,), torch.nan)})
    path.write_bytes(file.read_bytes()[:1_000_000])
    with pytest.raises(UserError, match="no whole file of weights"):
        inception_judge(path, CPU)
