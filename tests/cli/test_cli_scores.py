"""Scoring from the command line: protocols, judges, statistics files, the published tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import autogan
from PIL import Image
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.images import ImageSet
from autogan.judges import Judge, Judgement, inception, statistics_files
from autogan.method import refusals
from autogan.method.evaluate import real_sides
from autogan.progress.base import Cost
from autogan.progress.eta import Eta
from autogan.settings import judge as judge_settings
from autogan.settings.loading import load_settings
from autogan.settings.protocols import PROTOCOLS, Protocol
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import save_generator
from autogan.spaces.space import SearchSpace

SETTINGS = [
    "compute.device=cpu",
    "compute.precision=float32",
    "data.image_size=16",
    "network.latent_size=8",
    "search.stage_weights=[1, 1]",
    "judge.image_size=16",
    "judge.width=8",
    "judge.epochs=1",
    "judge.learning_rate=0.05",
    "evaluate.images=60",
    "evaluate.inception_splits=2",
]


def done(*arguments: object) -> Any:
    answer = autogan(*arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def refused(*arguments: object) -> str:
    answer = autogan(*arguments)
    assert (answer.code, answer.out) == (2, ""), answer
    assert "Traceback" not in answer.err
    return " ".join(answer.err.split())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with images of two classes, an untrained generator of them, and a cache."""
    home = tmp_path_factory.mktemp("scores")
    random = np.random.default_rng(0)
    for split, count in (("train", 60), ("test", 40)):
        for name, level in (("dark", 60), ("light", 190)):
            (home / "shapes" / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(level - 60, level + 60, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(home / "shapes" / split / name / f"{number}.png")
    source = f"folder:{home / 'shapes'}"
    settings = load_settings(overrides=[*SETTINGS, f"data.source={source}"])
    generator = AutoGanGenerator(
        SearchSpace.only(Architecture.parse("pre-batch-nearest/pre-batch-nearest")),
        latent_size=8,
        channels=8,
        bottom_size=4,
    )
    origin = {"settings": settings.model_dump(mode="json")}
    save_generator(home / "g.safetensors", generator, generator.state_dict(), origin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        yield home


class SmallInception(Judge):
    """Stands for the Inception judge: 6 features, 4 classes."""

    kind, feature_dimension, class_count = "inception", 6, 4

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, images: Tensor) -> Judgement:
        x = images.float() / 255
        features = torch.cat([x.mean((2, 3)), x.std((2, 3))], 1)
        quarters = torch.cat([x.mean((2, 3)), x.mean((1, 2, 3))[:, None]], 1)
        return Judgement(features, (50 * quarters).softmax(1))


@pytest.fixture
def published_judge(monkeypatch: pytest.MonkeyPatch) -> SmallInception:
    judge = SmallInception("inception-2015")
    monkeypatch.setattr(inception, "inception_judge", lambda file, device: judge)
    monkeypatch.setattr(statistics_files, "INCEPTION_FEATURES", 6)
    monkeypatch.setattr(judge_settings, "INCEPTION_FEATURES", 6)
    return judge


def test_the_protocol_stands_beside_the_scores(home: Path) -> None:
    results = done("evaluate", home / "g.safetensors", "--protocol", "quick")
    assert results["protocol"] == {
        "name": "quick",
        "images": 5000,
        "inception_splits": 10,
        "real": "training",
        "real_images": 120,
        "statistics": "computed",
    }
    assert results["scores"]["images"] == results["untrained"]["images"] == 5000
    assert (results["scores"]["real_images"], results["floor"]["images"]) == (120, 80)
    assert results["floor"]["frechet_distance"] < results["scores"]["frechet_distance"]
    own = done("evaluate", home / "g.safetensors")
    assert own["protocol"]["name"] == "custom"
    assert own["scores"]["images"] == 60
    shown = autogan("evaluate", home / "g.safetensors", "--set", "evaluate.inception_splits=1")
    assert "protocol custom" in " ".join(shown[1].split())

    assert "quick" in refused("evaluate", home / "g.safetensors", "--protocol", "quik")
    too_few = refused("evaluate", home / "g.safetensors", "--protocol", "sngan")
    assert "10000 real images" in too_few
    changed = ["--protocol", "quick", "--set", "evaluate.images=70"]
    assert "evaluate.protocol=custom" in refused("evaluate", home / "g.safetensors", *changed)


def test_statistics_go_out_come_in_and_score_without_the_data(
    home: Path, tmp_path: Path, published_judge: SmallInception
) -> None:
    file, out = home / "g.safetensors", tmp_path / "shapes.npz"
    sets = [part for setting in SETTINGS for part in ("--set", setting)]
    data = ["--data", f"folder:{home / 'shapes'}", "--judge", "inception"]
    exported = done("stats", "export", *data, *sets, "--set", "evaluate.images=5000", "--out", out)
    assert (exported["images"], exported["features"]) == (120, 6)
    assert exported["judge"] == "inception-2015"
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["mu"].shape == (6,)
        assert arrays["sigma"].shape == (6, 6)
        bare = {"mu": arrays["mu"], "sigma": arrays["sigma"]}
    assert "exists already" in refused("stats", "export", *data, "--out", out)

    np.savez(tmp_path / "foreign.npz", **bare)
    named = ["stats", "import", tmp_path / "foreign.npz", "--data-name", "shapes of 2"]
    assert "--images COUNT" in refused(*named, "--judge", "inception")
    imported = done(*named, "--judge", "inception", "--images", 120)
    assert imported["judge"] == "inception-2015"
    assert "imported before" in refused(*named, "--judge", "inception", "--images", 120)

    score = ["evaluate", file, "--judge", "inception", "--protocol", "quick"]
    by_file = done(*score, "--statistics", out)
    by_name = done(*score, "--statistics", "shapes of 2")
    computed = done(*score)
    for results in (by_file, by_name):
        assert results["scores"]["frechet_distance"] == pytest.approx(
            computed["scores"]["frechet_distance"], rel=1e-9
        )
        assert results["floor"] is None
        assert results["scores"]["kernel_distance"] is results["scores"]["recall"] is None
        assert "imported statistics" in results["scores"]["marks"][0]
        assert results["protocol"]["statistics"] == "imported"
        assert results["protocol"]["real_images"] == 120
        assert results["judge"] == {"name": "inception-2015", "kind": "inception"}
    assert by_name["data"]["name"] == "shapes of 2"
    assert computed["scores"]["kernel_distance"] is not None
    shown = autogan(*score, "--statistics", out)
    assert shown[0] == 0
    assert "imported statistics" in shown[1]

    (tmp_path / "results.json").write_text(json.dumps(by_file))
    board = done("leaderboard", tmp_path)
    assert "its protocol, quick" in board["apart"][str(tmp_path)]


def test_the_plan_is_of_what_evaluate_does(
    home: Path,
    tmp_path: Path,
    published_judge: SmallInception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the scores the judge's training and no search; and all seeds."""
    plan, advance = Eta.plan, Eta.advance
    planned: set[str] = set()
    left: list[float] = []

    def noted_plan(eta: Eta, parts: dict[str, list[Cost]]) -> None:
        planned.update(parts)
        plan(eta, parts)

    def noted_advance(eta: Eta, cost: Cost) -> None:
        advance(eta, cost)
        if cost.kind == "scoring":
            left.append(sum(one.work for one in eta._remaining()) / cost.work)

    monkeypatch.setattr(Eta, "plan", noted_plan)
    monkeypatch.setattr(Eta, "advance", noted_advance)
    done("evaluate", home / "g.safetensors", "--seeds", "2")
    assert planned == {"judge", "evaluate"} and left == pytest.approx([3, 2, 1, 0])
    sets = [part for setting in SETTINGS for part in ("--set", setting)]
    sets += ["--judge", "inception", "--set", "evaluate.images=5000"]
    out = tmp_path / "shapes.npz"
    done("stats", "export", "--data", f"folder:{home / 'shapes'}", *sets, "--out", out)
    left.clear()
    score = ["evaluate", home / "g.safetensors", "--judge", "inception", "--protocol", "quick"]
    done(*score, "--statistics", out)
    batches = 2 * 5000 // 250
    assert left == pytest.approx(range(batches - 1, -1, -1), abs=1e-6)


def test_a_run_can_use_the_inception_judge_throughout(
    home: Path, tmp_path: Path, published_judge: SmallInception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "INCEPTION_CLASSES", 4)
    small = [
        *SETTINGS,
        "judge.kind=inception",
        *(f"train.{size}=8" for size in ("generator_channels", "discriminator_channels")),
        *(f"train.{size}=8" for size in ("generator_batch", "discriminator_batch")),
        "train.discriminator_steps=1",
        "train.generator_steps=2",
        "train.validation_images=60",
    ]
    sets = [part for setting in small for part in ("--set", setting)]
    architecture = "pre-batch-nearest/pre-batch-nearest"
    data = f"folder:{home / 'shapes'}"
    out = tmp_path / "run"
    results = done("train", "--arch", architecture, "--data", data, *sets, "--out", out)
    assert (results["judge"]["name"], results["judge"]["kind"]) == ("inception-2015", "inception")
    assert results["validation"]["inception_score"] > 1
    assert results["scores"]["class_shares"] == []
    assert results["protocol"]["name"] == "custom"
    assert "custom" in done("leaderboard", out)["apart"][str(out)]
    few = refused(
        "train",
        "--arch",
        architecture,
        "--data",
        data,
        *sets,
        "--out",
        tmp_path / "b",
        "--set",
        "train.validation_images=7",
    )
    assert "train.validation_images is 7, but scores need 8" in few


def test_judges_and_statistics_that_do_not_fit_are_refused(
    home: Path, tmp_path: Path, published_judge: SmallInception
) -> None:
    file = home / "g.safetensors"
    statistics = statistics_files.FeatureStatistics.from_features(torch.randn(50, 6))
    other = statistics_files.StatisticsFile(statistics, "inception-unverified-12345678", "x")
    statistics_files.write_statistics(tmp_path / "other.npz", other)
    by = ["evaluate", file, "--protocol", "quick"]
    assert "inception-unverified-12345678, not by inception-2015" in refused(
        *by, "--judge", "inception", "--statistics", tmp_path / "other.npz"
    )
    assert "--judge inception" in refused(*by, "--statistics", tmp_path / "other.npz")
    assert "not both" in refused(*by, "--statistics", "s.npz", "--data", "glyphs")
    assert "There is no statistics file" in refused(
        *by, "--judge", "inception", "--statistics", "absent.npz"
    )
    assert "domain, inception" in refused(*by, "--judge", "inceptoin")
    weights = ["--inception-weights", "w.pth"]
    assert "--judge inception" in refused(*by, "--judge", "domain", *weights)
    few = refused("evaluate", file, "--judge", "inception")
    assert "evaluate.images is 60, but scores need 1000" in few


@pytest.mark.parametrize("content", [b"hi\n", b"", b"\x89PNG\r\n", b"PK\x03\x04"])
def test_a_file_that_is_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth: This is no whole file of weights"):
        inception.read_judge(file, torch.device("cpu"))


def test_weights_of_another_network_are_refused(home: Path, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "linear.pth")
    by = ["evaluate", home / "g.safetensors", "--protocol", "quick", "--inception-weights"]
    assert "not of the Inception network of 2015" in refused(*by, tmp_path / "linear.pth")
    assert "6726825d.pth" in refused(*by, tmp_path / "absent.pth")


@pytest.mark.parametrize(
    "command", [["leaderboard"], ["stats"], ["stats", "export"], ["stats", "import"]]
)
def test_help_has_an_example(command: list[str]) -> None:
    code, out, _ = autogan(*command, "--help")
    assert code == 0
    assert "Usage:" in out and "Example:" in out


def test_the_published_tables(tmp_path: Path) -> None:
    board = done("leaderboard")
    tables = {(t["data"], t["protocol"]): t["rows"] for t in board["tables"]}
    assert len(tables) == 6
    systems = [row["system"] for row in tables["CIFAR-10", "autogan-paper"]]
    assert systems == ["AutoGAN top 1", "AutoGAN top 2", "AutoGAN top 3"]
    code, out, _ = autogan("leaderboard")
    assert code == 0
    assert "12.42" in out and "arXiv 1908.03835" in out and "not stated" in out
    assert "no results" in refused("leaderboard", tmp_path)
    (tmp_path / "results.json").write_text("{")
    assert "not JSON" in refused("leaderboard", tmp_path)
    (tmp_path / "results.json").write_text('{"judge": {}}')
    assert "protocol" in refused("leaderboard", tmp_path)


def test_a_named_protocol_fixes_its_numbers() -> None:
    paper = load_settings("cifar10-paper").evaluate
    assert (paper.protocol, paper.images, paper.inception_splits) == ("autogan-paper", 50_000, 10)
    assert load_settings(overrides=["evaluate.protocol=sngan"]).evaluate.images == 5000
    with pytest.raises(UserError, match=r"images is 100, and the protocol quick has 5000"):
        load_settings(overrides=["evaluate.protocol=quick", "evaluate.images=100"])
    own = load_settings(overrides=["evaluate.images=100"]).evaluate.resolved_protocol()
    assert own == Protocol("custom", 100)


def test_which_real_images_a_protocol_compares_with() -> None:
    def images(count: int) -> ImageSet:
        pixels = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
        return ImageSet(pixels, None)

    train, held_out = images(30), images(20)
    assert real_sides(train, held_out, PROTOCOLS["quick"]) == ("training", train, held_out)
    name, real, others = real_sides(
        train, held_out, Protocol("p", images=5, real="held-out", real_images=15)
    )
    assert (name, len(real), len(others)) == ("held-out", 15, 5)
    name, real, others = real_sides(
        train, held_out, Protocol("p", images=5, real="held-out", real_images=25)
    )
    assert (name, len(real), others) == ("training", 25, held_out)
