"""What a run stands on: what is refused before anything is trained, what is said, what is prepared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sources import png, split, write_folder
from tiny import Listening, tiny

from autogan.basics.errors import UserError
from autogan.images import load_data
from autogan.judges import DomainJudge, inception
from autogan.method import context as module
from autogan.method.context import make_inception_judge, prepare
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.decided import decide_compute
from autogan.settings.protocols import Protocol
from autogan.settings.sections import EvaluateSettings, Settings


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes; 80 images to train on, 60 to judge by."""
    return write_folder(split(40, 30), tmp_path_factory.mktemp("pets") / "pets")


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a judge is trained."""

    def trained(*arguments: Any) -> DomainJudge:
        raise AssertionError("a judge is trained")

    monkeypatch.setattr(module, "domain_judge", trained)


def on(folder: Path, **changes: Any) -> Settings:
    return tiny(data={"source": f"folder:{folder}"}, **changes)


def test_a_context_has_all_that_the_parts_share(pets: Path) -> None:
    progress = Listening()
    context = prepare(on(pets), progress)
    assert (context.settings.search.reward, context.settings.derive.metric) == (
        "inception_score",
    ) * 2
    assert context.data == load_data(f"folder:{pets}", 16) and context.data.size == 16
    assert isinstance(context.judge, DomainJudge) and context.judge.class_names == ("cats", "dogs")
    assert context.reference.count == 80 and context.reference.judge == context.judge.name
    assert context.space.stages == 2 and context.workload.training_images == 80
    assert progress.planned == context.plan.costs() and progress.parts == ["judge"]
    again = prepare(on(pets), Listening())
    assert again.judge.name == context.judge.name  # from the cache


def test_images_are_described_by_name_digest_and_numbers(pets: Path) -> None:
    data = load_data(f"folder:{pets}", 16)
    assert data.describe() == {
        "name": "folder:pets",
        "digest": data.digest,
        "training_images": 80,
        "held_out_images": 60,
    }


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"search": {"reward_images": 19}, "evaluate": {"inception_splits": 10}},
            r"search\.reward_images is 19, but scores need 20",
        ),
        ({"train": {"validation_images": 32}}, r"train\.validation_images is 32, .* need 33"),
        ({"evaluate": {"images": 32}}, r"evaluate\.images is 32, but scores need 33"),
        ({"evaluate": {"inception_splits": 21}}, r"scores need 42.*inception_splits \(42\)"),
        (
            {"search": {"reward": "frechet_distance", "reward_images": 32}},
            r"search\.reward_images is 32, but scores need 33",
        ),
        (
            {"search": {"discriminator_batch": 81}},
            r"has 80 training images, fewer than search\.discriminator_batch \(81\)",
        ),
        (
            {"train": {"discriminator_batch": 81}},
            r"has 80 training images, fewer than train\.discriminator_batch \(81\)",
        ),
        (
            {
                "judge": {"width": 16},
                "evaluate": {"images": 65},
                "train": {"validation_images": 65},
            },
            r"held-out images of folder:pets is 60, but scores need 65",
        ),
        (
            {"judge": {"width": 24}},
            r"The number of training images of folder:pets is 80, but scores need 97",
        ),
    ],
)
def test_counts_that_would_fail_after_hours_are_refused_before_training(
    pets: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare(on(pets, **changes), Listening())


def test_exactly_as_many_images_as_are_needed_will_do(pets: Path) -> None:
    """32 features need 33 images; two classes over ten splits need 20."""
    changes: dict[str, Any] = {
        "search": {"reward_images": 20},
        "train": {"validation_images": 33},
        "evaluate": {"images": 33, "inception_splits": 10},
    }
    assert prepare(on(pets, **changes), Listening()).reference.count == 80


@pytest.mark.parametrize(
    "changes",
    [
        {"search": {"reward_images": 2}},
        {"train": {"validation_images": 2}},
        {"search": {"discriminator_batch": 81}},
    ],
)
def test_what_only_trains_does_not_matter_to_an_evaluation(
    pets: Path, changes: dict[str, Any]
) -> None:
    prepare(on(pets, **changes), Listening(), to_train=False)


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (Task("train", "autogan-a"), {"search": {"discriminator_batch": 81}}),
        (Task("train", "autogan-a"), {"search": {"reward_images": 2}}),
        (Task("search", method="trials"), {"search": {"discriminator_batch": 81}}),
    ],
)
def test_settings_of_what_is_not_done_do_not_matter(
    pets: Path, task: Task, changes: dict[str, Any]
) -> None:
    prepare(on(pets, **changes), Listening(), task=task)


@pytest.mark.usefixtures("untrained")
def test_an_evaluation_needs_enough_images_too(pets: Path) -> None:
    with pytest.raises(UserError, match=r"evaluate\.images is 32"):
        prepare(on(pets, evaluate={"images": 32}), Listening(), to_train=False)


@pytest.mark.usefixtures("untrained")
def test_a_protocol_needs_its_real_images(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = Protocol("large", 40, real="held-out", real_images=81)
    monkeypatch.setattr(EvaluateSettings, "resolved_protocol", lambda settings: protocol)
    with pytest.raises(
        UserError, match=r"large compares with 81 real images.*has 80 training and 60"
    ):
        prepare(on(pets), Listening())


@pytest.mark.usefixtures("untrained")
def test_a_run_that_goes_on_refuses_other_images(pets: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", on(pets))
    before = load_data(f"folder:{pets}", 16).describe()
    run.write("data.json", {**before, "digest": "0" * 64, "training_images": 79, "judge": "x"})
    with pytest.raises(UserError) as refused:
        prepare(run.settings, Listening(), run=run)
    message = str(refused.value)
    assert f"The run in {run.folder} began with other images" in message
    assert f"digest: {'0' * 64} before, {before['digest']} now" in message
    assert "training_images: 79 before, 80 now" in message and "held_out_images" not in message
    run.close()


def test_a_run_keeps_states_of_the_judge_while_it_trains_and_no_longer(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "run", on(pets), Task("search"))
    kept: list[str] = []
    monkeypatch.setattr(
        run.checkpoints, "after_saving", lambda: kept.append(str(run.checkpoints.position("judge")))
    )
    context = prepare(run.settings, Listening(), run=run)
    assert kept and kept[0] == "{'step': 0, 'of': 5}"
    assert run.checkpoints.position("judge") is None
    assert context.plan.task == Task("search") and "derive" not in context.plan.parts
    assert "derive" in prepare(run.settings, Listening(), run=run, derives=True).plan.parts
    run.close()


def test_what_the_data_and_the_judge_are_is_said(pets: Path) -> None:
    write_folder({"README.txt": b"x"}, pets)
    progress = Listening()
    context = prepare(on(pets), progress)
    first, *_, last = progress.notes
    assert first == "1 file that is not an image was ignored (README.txt)"
    assert last.startswith(f"Judge {context.judge.name}: ")
    assert "of the held-out images of folder:pets put into their class" in last
    (pets / "README.txt").unlink()


def test_without_classes_the_judge_learns_which_way_up_and_it_is_said(tmp_path: Path) -> None:
    flat = {
        f"{part}/{number}.png": png(number)
        for part, numbers in (("train", range(50)), ("test", range(50, 90)))
        for number in numbers
    }
    progress = Listening()
    context = prepare(on(write_folder(flat, tmp_path / "grey")), progress)
    assert context.settings.search.reward == context.settings.derive.metric == "frechet_distance"
    assert context.judge.class_count == 0
    assert any("have no classes: the judge learns which way up" in n for n in progress.notes)
    about = progress.notes[-1]  # grey squares look the same whichever way they are turned
    assert "recognised the right way up" in about and "hardly more than guessing (25%)" in about


@pytest.mark.parametrize("published", [True, False])
def test_weights_that_are_not_the_published_ones_are_said(
    monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    class Named:
        name = inception.NAME if published else "inception-unverified-12345678"

    given: list[Any] = []
    monkeypatch.setattr(inception, "inception_judge", lambda *these: given.append(these) or Named())
    progress = Listening()
    judge = make_inception_judge("weights.pth", torch.device("cpu"), progress)
    assert given == [(Path("weights.pth"), torch.device("cpu"))] and judge.name == Named.name
    assert [note.split(":")[0] for note in progress.notes] == [f"Judge {judge.name}"] * (
        not published
    )


def test_a_generator_that_sees_real_images_needs_enough_of_them(
    pets: Path, untrained: None
) -> None:
    seeing = {"objective": {"loss": "relativistic-pairing"}, "generator_batch": 81}
    with pytest.raises(UserError, match=r"80 training images, fewer than train\.generator_batch"):
        prepare(on(pets, train=seeing), Listening())


def test_a_decay_rate_that_rises_is_refused_where_steps_are_recorded(
    pets: Path, untrained: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = replace(decide_compute(tiny().compute), captures=True)
    monkeypatch.setattr(module, "decide_compute", lambda *given: recording)
    rising = {"schedule": {"second_decay_rate_end": 0.99}}
    for section in ("search", "train"):
        with pytest.raises(
            UserError, match=rf"^{section}\.schedule\.second_decay_rate_end.*compute\.capture=none"
        ):
            prepare(on(pets, **{section: rising}), Listening())
    with pytest.raises(AssertionError, match="a judge is trained"):  # nothing else is refused
        prepare(on(pets, search=rising), Listening(), to_train=False)


def test_who_mirrors_is_told_what_the_judge_says_of_it(pets: Path) -> None:
    told = Listening()
    prepare(on(pets, train={"mirror": True}), told)
    assert any(note.startswith("mirror is on, and judge.flip too") for note in told.notes)
    silent = Listening()
    prepare(on(pets), silent)
    assert not any("irror" in note for note in silent.notes)
