"""The method in the modern space: from the search to the scores, interrupted and not."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sources import split, write_folder
from tiny import NETWORKS, Listening, tiny

from autogan.api import train_architecture
from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors
from autogan.method.generator_settings import settings_of
from autogan.method.pipeline import run_everything, run_ranking, run_training
from autogan.method.search import Search
from autogan.method.train import Training
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopped
from autogan.runs.task import Task
from autogan.settings.loading import merged
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator
from autogan.testing.checks import equal_trees
from autogan.verify import verify

EVERY_KIND = Architecture.parse(
    "modern:modulated-nearest+linear/grouped-bilinear+softmax+half+skip0"
)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_folder(split(40, 40), tmp_path / "pets")
    return tmp_path / "pets"


def settings(images: Path, **changes: Any) -> Settings:
    search = {"shared_epochs": None, "shared_steps": 4}
    own = {"search": search, "network": {"space": "modern"}}
    return tiny(data={"source": f"folder:{images}"}, **merged(own, changes))


TODAY = {
    "learning_rate": 0.001,
    "mirror": True,
    "augmentation": ["colour", "shift", "cutout"],
    "augmentation_probability": "adaptive",
    "augmentation_images": 40,
    "objective": {
        "loss": "relativistic-pairing",
        "spectral_norm": False,
        "real_penalty": 1.0,
        "generated_penalty": 1.0,
        "penalty_every_steps": 3,
        "lecam_penalty": 0.1,
        "lecam_from_step": 2,
        "top_share": 0.5,
        "top_share_steps": 4,
    },
    "schedule": {"learning_rate": "cosine", "second_decay_rate_end": 0.99, "penalty_end": 0.1},
}
"""Everything that keeps a state of its own while two networks train."""
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "labels, penalties, adaptive augmentation": {
        "network": {"conditional": "always"},
        "search": TODAY,
        "train": TODAY,
    },
}


def timeless(tree: Any) -> Any:
    """A tree without what depends on the clock, the memory and the folder."""
    if isinstance(tree, dict):
        left_out = ("seconds", "peak_memory_mib", "recompute")
        return {key: timeless(value) for key, value in tree.items() if key not in left_out}
    return [timeless(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_that_was_interrupted_ends_as_the_whole_one(
    recipe: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the search to the report; stopped in the search, and in the training of a candidate."""
    chosen = settings(images, **RECIPES[recipe])
    run = Run.create(tmp_path / "whole", chosen)
    results = run_everything(run, Listening())
    run.close()
    assert results["architecture"].startswith("modern:")
    page = (run.folder / "report.html").read_text()
    assert "modern:" in page and "Upsampling" in page and "Attention" in page
    checked = verify(run.folder)
    assert checked.sound, checked.problems
    generator = load_generator(run.folder / "generator.safetensors").generator
    assert str(generator.architecture) == results["architecture"]

    Run.create(tmp_path / "stopped", chosen).close()
    for kind, steps in ((Search, 5), (Training, 3)):
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            stopped = Run.resume(tmp_path / "stopped")
            step, count = kind.step, 0

            def stopping(work: Any) -> Any:
                nonlocal count
                count += 1
                if count == steps:  # noqa: B023
                    stopped.stopping.reason = "SIGTERM"  # noqa: B023
                return step(work)  # noqa: B023

            patch.setattr(kind, "step", stopping)
            try:
                run_everything(stopped, Listening())
            finally:
                stopped.close()
    again = Run.resume(tmp_path / "stopped")
    assert timeless(run_everything(again, Listening())) == timeless(results)
    again.close()
    own, other = (
        load_tensors(tmp_path / name / "generator.safetensors")[0] for name in ("whole", "stopped")
    )
    assert equal_trees(own, other)


def test_one_architecture_is_trained_and_its_file_says_its_space(
    images: Path, tmp_path: Path
) -> None:
    run = Run.create(tmp_path / "run", settings(images), Task("train", str(EVERY_KIND)))
    results = run_training(run, EVERY_KIND, Listening())
    run.close()
    saved = load_generator(tmp_path / "run" / "generator.safetensors")
    assert results["architecture"] == str(EVERY_KIND)
    assert saved.generator.architecture == EVERY_KIND
    assert settings_of(saved).network.space == "modern"
    metadata = load_tensors(tmp_path / "run" / "generator.safetensors")[1]
    assert json.loads(metadata["origin"])["settings"]["network"]["space"] == "modern"
    latents = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(saved.generator(latents), saved.generator(latents))


def test_an_architecture_of_another_space_than_the_settings_is_refused(
    images: Path, tmp_path: Path
) -> None:
    architecture = search_space("autogan", 2).first()
    with pytest.raises(UserError, match=r"of the space autogan, and network\.space is modern"):
        train_architecture(architecture, settings(images), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("strategy", ["reinforce", "random"])
def test_both_strategies_search_it(images: Path, tmp_path: Path, strategy: str) -> None:
    chosen = settings(images, train=NETWORKS)
    search = chosen.search.model_copy(update={"strategy": strategy, "iterations": 2})
    run = Run.create(tmp_path / "run", chosen.model_copy(update={"search": search}))
    ranking = run_ranking(run, Listening())
    run.close()
    assert len({child.architecture for child in ranking}) > 1
    assert all(child.architecture in search_space("modern", 2) for child in ranking)
