"""The tree of settings: presets, overrides, refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS
from autogan.settings.loading import (
    load_settings,
    preset_names,
    setting_names,
    settings_from_tree,
    settings_to_yaml,
)
from autogan.settings.protocols import protocol_changes
from autogan.settings.search import SearchSettings
from autogan.settings.sections import Settings


def refusal(*overrides: str, preset: str | None = None, file: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load_settings(preset, file, overrides)
    return str(caught.value)


def test_the_presets_are_these() -> None:
    assert preset_names() == [
        "cifar10",
        "cifar10-cpu",
        "cifar10-paper",
        "demo",
        "own-16",
        "own-32",
        "own-48",
        "own-64",
        "own-128",
        "own-256",
        "stl10-transfer",
        "table-16",
    ]


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_come_back_from_yaml(name: str) -> None:
    settings = load_settings(name)
    cells = {"own-16": 2, "table-16": 2, "own-64": 4, "own-128": 5, "own-256": 6}.get(name, 3)
    assert len(settings.search.stage_starts()) == settings.cells == cells
    tree = yaml.safe_load(settings_to_yaml(settings))
    assert settings_from_tree(tree) == settings


def test_presets_differ() -> None:
    assert len({settings_to_yaml(load_settings(name)) for name in preset_names()}) == 12


def test_the_paper_preset_has_the_published_numbers() -> None:
    settings = load_settings("cifar10-paper")
    search, train = settings.search, settings.train
    assert (settings.data.source, settings.data.image_size) == ("cifar10", 32)
    assert (settings.network.latent_size, settings.network.bottom_size) == (128, 4)
    assert (search.strategy, search.iterations, search.stage_starts()) == (
        "reinforce",
        90,
        [0, 25, 55],
    )
    assert (search.shared_epochs, search.controller_steps, search.reward_images) == (
        15,
        30,
        5000,
    )
    assert (search.candidates, search.beams) == (10, 5)
    for section in (search, train):
        assert (section.learning_rate, section.betas) == (2e-4, (0.0, 0.9))
        assert (section.generator_batch, section.discriminator_batch) == (128, 64)
        assert section.discriminator_steps == 5
    assert (search.generator_channels, search.discriminator_channels) == (128, 64)
    assert (train.generator_channels, train.discriminator_channels) == (256, 128)
    assert (train.generator_steps, train.average_decay, train.schedule.learning_rate) == (
        50_000,
        0.999,
        "constant",
    )
    controller = search.controller
    assert (controller.hidden_size, controller.learning_rate) == (100, 3.5e-4)
    assert (controller.entropy_weight, controller.baseline_decay) == (1e-4, 0.9)
    assert controller.samples_per_step == 1
    assert (search.reset.window, search.reset.threshold) == (500, 1e-3)
    assert settings.evaluate.images == 50_000


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("train.learning_rate=3e-4", 3e-4),
        ("train.learning_rate=0.01", 0.01),
        ("search.iterations=40", 40),
        ("search.stage_weights=[1,2,3]", (1, 2, 3)),
        ("train.generator_channels=64", 64),
        ("train.generator_channels=[64,48,32]", (64, 48, 32)),
        ("train.schedule.learning_rate=linear", "linear"),
        ("derive.generator_steps=9", 9),
        ("derive.metric=frechet_distance", "frechet_distance"),
        ("search.reset.threshold=0", 0),
        ("data.source=folder:a=b", "folder:a=b"),
        ("judge.width=16", 16),
        ("seed=7", 7),
    ],
)
def test_an_override_sets_one_setting_and_no_other(override: str, value: object) -> None:
    name = override.partition("=")[0].split(".")
    expected = Settings().model_dump()
    after = load_settings(overrides=[override]).model_dump()
    assert _get(expected, name) != value
    _set(expected, name, value)
    assert _get(after, name) == value
    assert after == expected


def choices(model: type[BaseModel] = Settings, before: str = "") -> Iterator[tuple[str, str]]:
    """Every word that a setting takes, under the setting's name."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal:
            yield from ((before + name, choice) for choice in get_args(field.annotation))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from choices(field.annotation, f"{before}{name}.")


def test_every_word_that_a_setting_takes_can_be_given() -> None:
    words = list(choices())
    assert ("compute.capture", "none") in words
    for name, choice in words:  # YAML reads some words, such as "off", as something else
        given = load_settings(overrides=[f"{name}={choice}"]).model_dump()
        assert _get(given, name.split(".")) == choice, name


def _get(tree: dict, name: list[str]) -> object:
    for part in name:
        tree = tree[part]
    return tree


def _set(tree: dict, name: list[str], value: object) -> None:
    for part in name[:-1]:
        tree = tree[part]
    tree[name[-1]] = value


def test_the_later_override_and_the_nearer_source_win(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("search: {iterations: 50, candidates: 7}\n")
    settings = load_settings("demo", file, ["search.candidates=8", "search.candidates=9"])
    demo = load_settings("demo")
    assert demo.search.iterations == 6
    assert (settings.search.iterations, settings.search.candidates) == (50, 9)
    assert settings.search.controller_steps == demo.search.controller_steps
    assert settings.search.controller == demo.search.controller


def test_changes_lie_between_the_file_and_what_the_user_set(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("search: {candidates: 7}\ndata: {source: stl10}\nseed: 3\n")
    changes = {"data": {"source": "null"}, "search": {"candidates": 8}}
    settings = load_settings("demo", file, ["search.candidates=9"], changes)
    assert (settings.data.source, settings.data.image_size) == ("null", 32)
    assert (settings.search.candidates, settings.seed) == (9, 3)
    assert changes == {"data": {"source": "null"}, "search": {"candidates": 8}}


def test_a_named_protocol_takes_the_place_of_another() -> None:
    own = load_settings(overrides=["evaluate.images=77"]).model_dump(mode="json")
    for name, images in (("sngan", 5000), ("autogan-paper", 50_000)):
        own = load_settings(tree=own, changes=protocol_changes(name)).model_dump(mode="json")
        assert (own["evaluate"]["protocol"], own["evaluate"]["images"]) == (name, images)
    assert load_settings(tree=own, changes=protocol_changes("custom")).evaluate.images == 50_000


def test_widths_of_cells_are_named_by_their_place() -> None:
    message = refusal("train.generator_channels=[64,0,x]")
    assert "Setting train.generator_channels.1 cannot be 0" in message
    assert "Setting train.generator_channels.2 cannot be 'x'" in message


def test_one_width_stays_one_number_and_several_a_list() -> None:
    settings = load_settings(overrides=["train.generator_channels=[64, 48, 32]"])
    tree = yaml.safe_load(settings_to_yaml(settings))
    assert tree["search"]["generator_channels"] == 128
    assert tree["train"]["generator_channels"] == [64, 48, 32]
    assert settings_from_tree(tree) == settings


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("# nothing\n")
    assert load_settings("demo", file) == load_settings("demo")


def test_an_unknown_preset_offers_the_nearest() -> None:
    message = refusal(preset="cifar10-papper")
    assert "'cifar10-papper'" in message and "Did you mean 'cifar10-paper'?" in message
    assert "stl10-transfer" in message
    with pytest.raises(UserError):
        load_settings("../presets/demo")


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("search.iteration=4", "search.iterations"),
        ("serch.iterations=4", "search"),
        ("sead=4", "seed"),
        ("search.controler.hidden_size=4", "search.controller"),
        ("search.controller.hiden_size=4", "search.controller.hidden_size"),
        ("judge.widht=16", "judge.width"),
        ("train.lerning_rate=2e-4", "train.learning_rate"),
    ],
)
def test_an_unknown_setting_offers_the_nearest(override: str, nearest: str) -> None:
    message = refusal(override)
    assert f"Did you mean {nearest!r}?" in message


@pytest.mark.parametrize(
    "override",
    [
        "search.iterations=0",
        "search.iterations=-1",
        "search.iterations=2.5",
        "search.iterations=many",
        "search.shared_epochs=0",
        "search.controller_steps=0",
        "search.controller.samples_per_step=0",
        "search.controller.entropy_weight=-1",
        "search.controller.baseline_decay=1",
        "search.reset.window=1",
        "search.reset.threshold=-1",
        "search.generator_batch=1",
        "search.learning_rate=0",
        "search.learning_rate=-2e-4",
        "search.learning_rate=nan",
        "train.generator_steps=0",
        "train.average_decay=1",
        "train.validation_images=1",
        "evaluate.images=0",
        "evaluate.inception_splits=0",
        "derive.metric=fid",
        "data.limit_factor=0",
        "data.limit_factor=1e+305",
        "data.image_size=0",
        "data.image_size=512",
        "network.bottom_size=-4",
        "network.latent_size=0",
        "compute.device=gpu",
        "compute.precision=float16",
        "compute.layout=best",
        "compute.capture=always",
        "search.strategy=magic",
        "search.generator_channels=0",
        "train.generator_channels=wide",
        "judge.width=0",
        "judge.epochs=-1",
        "judge.image_size=33",
        "judge.learning_rate=0",
        "judge.kind=luck",
        "seed=-1",
        "log_every_steps=0",
        "search=5",
    ],
)
def test_a_bad_value_is_named_with_its_setting(override: str) -> None:
    name, _, value = override.partition("=")
    message = refusal(override)
    assert f"Setting {name} cannot be" in message
    assert value.lstrip("-")[:4] in message or "0.0002" in message


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search.beams=11"], ["beams (11)", "candidates (10)"]),
        (["derive.top=11"], ["top (11)", "candidates (10)"]),
        (["search.iterations=2"], ["iterations (2)", "3 stages"]),
        (
            ["data.image_size=40"],
            ["data.image_size (40)", "network.bottom_size (4)"],
        ),
        (["data.image_size=36"], ["data.image_size (36)"]),
        (
            ["data.image_size=8", "network.bottom_size=8"],
            ["data.image_size (8)", "bottom_size (8)"],
        ),
        (["network.bottom_size=64"], ["network.bottom_size (64)"]),
        (["data.image_size=64"], ["search.stage_weights needs 4 values", "it has 3"]),
        (["search.stage_weights=[1,2]"], ["search.stage_weights needs 3 values"]),
        (
            ["train.generator_channels=[8,8]"],
            ["train.generator_channels", "3: one for each", "has 2"],
        ),
        (["train.generator_channels=[]"], ["train.generator_channels", "it has 0"]),
        (["search.betas=[0,1]"], ["betas", "1"]),
        (["train.betas=[-0.1,0.9]"], ["betas", "-0.1"]),
    ],
)
def test_contradictions_are_named(overrides: list[str], words: list[str]) -> None:
    message = refusal(*overrides)
    for word in words:
        assert word in message


def test_all_bad_values_are_told_at_once() -> None:
    message = refusal("search.candidates=0", "train.generator_steps=0", "seed=-1")
    for name in ("search.candidates", "train.generator_steps", "seed"):
        assert f"Setting {name} cannot be" in message


def test_stage_weights_are_positive() -> None:
    assert "search.stage_weights.1" in refusal("search.stage_weights=[1,0,1]")


@pytest.mark.parametrize("override", ["search.iterations", "=4", "  =4", "data.source=[1", ""])
def test_a_malformed_override_is_refused(override: str) -> None:
    assert "--set" in refusal(override)


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=6), st.data())
def test_every_stage_gets_an_iteration(weights: list[float], data: st.DataObject) -> None:
    iterations = data.draw(st.integers(len(weights), 40))
    starts = SearchSettings(stage_weights=tuple(weights), iterations=iterations).stage_starts()
    assert len(starts) == len(weights) and starts[0] == 0
    ends = [*starts[1:], iterations]
    assert all(end > start for start, end in zip(starts, ends, strict=True))


def test_stage_starts_follow_the_weights() -> None:
    assert SearchSettings(stage_weights=(25, 30, 35), iterations=18).stage_starts() == [0, 5, 11]
    assert SearchSettings(stage_weights=(1, 1, 98), iterations=3).stage_starts() == [0, 1, 2]
    assert SearchSettings(stage_weights=(98, 1, 1), iterations=3).stage_starts() == [0, 1, 2]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "no.yaml") in refusal(file=tmp_path / "no.yaml")
    assert str(tmp_path) in refusal(file=tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"search: [1\n", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"- search\n", "sections and settings"),
        (b"just text\n", "sections and settings"),
        (b"serch: {iterations: 3}\n", "Did you mean 'search'"),
        (b"1: 2\n", "1"),
        (b"search:\n", "search"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    assert words in refusal(file=file)


def test_overrides_round_trip_through_yaml() -> None:
    settings = load_settings(
        "demo",
        overrides=[
            "search.learning_rate=1e-7",
            "derive.generator_steps=null",
            "seed=18446744073709551616",
            "data.source='folder:/x y/ü: #1'",
        ],
    )
    assert settings_from_tree(yaml.safe_load(settings_to_yaml(settings))) == settings
    assert settings.data.source == "folder:/x y/ü: #1"


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.seed = 3
    with pytest.raises(ValidationError):
        settings.search.iterations = 3
    with pytest.raises(ValidationError):
        settings.judge.width = 16


@pytest.mark.parametrize(
    ("size", "bottom", "cells"), [(8, 4, 1), (32, 4, 3), (48, 6, 3), (256, 4, 6), (64, 2, 5)]
)
def test_cells_are_doublings(size: int, bottom: int, cells: int) -> None:
    settings = load_settings(
        overrides=[
            f"data.image_size={size}",
            f"network.bottom_size={bottom}",
            f"search.stage_weights={[1] * cells}",
        ]
    )
    assert settings.cells == cells


def test_setting_names_reach_every_depth() -> None:
    names = setting_names()
    assert len(names) == len(set(names))
    for name in ("seed", "search", "search.controller.hidden_size", "judge.width"):
        assert name in names


@pytest.mark.parametrize("name", ["2024", "1e5", "inf"])
def test_a_quoted_value_stays_text(name: str) -> None:
    assert load_settings(overrides=[f'data.source="{name}"']).data.source == name


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(UserError, match=r"train\.learning_rate"):
        load_settings(overrides=["train.learning_rate=inf"])


def test_a_bottom_of_one_pixel_is_refused_so_no_space_has_too_few_cells() -> None:
    with pytest.raises(UserError, match=r"network\.bottom_size cannot be 1"):
        load_settings(overrides=["network.bottom_size=1"])
    widest = [
        "data.image_size=256",
        "network.bottom_size=2",
        "search.stage_weights=[1,1,1,1,1,1,1]",
    ]
    assert load_settings(overrides=widest).cells == MOST_CELLS


def test_a_setting_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("seed: 3\nseed: 4\n")
    assert "'seed' stands there twice" in refusal(file=file)


@pytest.mark.parametrize("weight", ["0", "1e308"])
def test_weights_of_stages_are_above_0_and_add_up(weight: str) -> None:
    message = refusal(f"search.stage_weights=[{weight}, {weight}, {weight}]")
    assert "search.stage_weights" in message


@pytest.mark.parametrize("section", ["search", "search.controller", "train"])
@pytest.mark.parametrize("value", ["[0.0, 1.0]", "[-0.1, 0.9]", "[0.9]"])
def test_decay_rates_are_at_least_0_and_below_1(section: str, value: str) -> None:
    assert f"{section}.betas" in refusal(f"{section}.betas={value}")


def test_a_discriminator_that_nothing_holds_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"train\.objective.*spectral_norm is false and there is no pen"
    ):
        load_settings(overrides=["train.objective.spectral_norm=false"])
    with pytest.raises(
        UserError, match=r"search\.objective.*penalty_every_steps is 4, but there is no"
    ):
        load_settings(overrides=["search.objective.penalty_every_steps=4"])


def test_a_change_named_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"augmentation names a change twice: shift, shift"):
        load_settings(overrides=["train.augmentation=[shift,shift]"])
    assert load_settings(overrides=["train.augmentation=[shift,colour]"]).train.augmentation == (
        "shift",
        "colour",
    )


def test_the_linear_decay_of_0_1_0_is_a_value_of_the_schedule(tmp_path: Path) -> None:
    """In files and folders of before, and after --set; the later layer counts under both names."""

    def rate(*overrides: str, **layers: Any) -> str:
        return load_settings(overrides=overrides, **layers).train.schedule.learning_rate

    file = tmp_path / "old.yaml"
    file.write_text("train:\n  linear_decay: true\n  generator_steps: 7\n")
    assert rate(file=file) == "linear" and load_settings(file=file).train.generator_steps == 7
    assert rate("train.linear_decay=false", preset="own-32") == "constant"
    assert rate("train.schedule.learning_rate=cosine", file=file) == "cosine"
    assert rate("train.linear_decay=true", "train.schedule.learning_rate=linear") == "linear"
    old = {"train": {"linear_decay": True}}
    assert settings_from_tree(old).train.schedule.learning_rate == "linear"
    assert old == {"train": {"linear_decay": True}}  # what was read stays as it was
    assert "train.linear_decay is true, and train.schedule.learning_rate is 'cosine'" in refusal(
        "train.linear_decay=true", "train.schedule.learning_rate=cosine"
    )
    assert "Setting train.linear_decay cannot be 'often'" in refusal("train.linear_decay=often")
    file.write_text("train: {linear_decay: true, schedule: 5}\n")
    assert "Setting train.schedule cannot be 5" in refusal(file=file)


def test_the_limits_of_trials_are_those_of_every_search(tmp_path: Path) -> None:
    """First only searches by trials had them; their files and folders are still read."""

    def limit(*overrides: str, **layers: Any) -> int | None:
        return load_settings(overrides=overrides, **layers).search.limits.parameters

    file = tmp_path / "old.yaml"
    file.write_text("trials:\n  count: 7\n  limits: {parameters: 5, latency_milliseconds: null}\n")
    assert limit(file=file) == 5 and load_settings(file=file).trials.count == 7
    assert limit("search.limits.parameters=2e6", file=file) == 2_000_000
    assert limit("trials.limits.parameters=6", "search.limits.parameters=6") == 6
    assert limit("trials.limits.parameters=6", "search.beams=2") == 6
    assert "Leave the first out" in refusal(
        "trials.limits.parameters=6", "search.limits.parameters=7"
    )
    assert "search.limits.parameters" in refusal("trials.limits.parameters=-1")
    assert "search.limits" in refusal("trials.limits=5")
    assert "search.limits" in refusal("trials.limits=5", "search.limits.parameters=6")
    assert "search" in refusal("trials.limits.parameters=6", "search=3")


@pytest.mark.parametrize("section", ["search", "train"])
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["objective.direction_head=true", "objective.loss=wasserstein"], "trained by such a term"),
        (["objective.direction_head=true", "objective.loss=relativistic-average"], "only compares"),
        (["objective.lecam_penalty=-1"], "objective.lecam_penalty cannot be -1"),
        (["objective.lecam_penalty=0.3", "objective.lecam_decay=1"], "lecam_decay cannot be 1"),
        (["objective.lecam_from_step=5"], "means nothing while lecam_penalty is 0.0"),
        (["objective.top_share=0"], "objective.top_share cannot be 0"),
        (["objective.top_share=1.5"], "objective.top_share cannot be 1.5"),
        (["objective.top_share_steps=5"], "means nothing while top_share is 1.0"),
        (["schedule.learning_rate=step"], "allowed: constant, linear, cosine"),
        (["schedule.learning_rate_end=0.1"], "while learning_rate is constant: it is of cosine"),
        (["schedule.cosine_share=0.5"], "nothing follows a cosine"),
        (["schedule.penalty_end=0.1"], "nothing that could fall"),
        (
            [
                "schedule.penalty_end=0.1",
                "objective.real_penalty=1",
                "objective.slope_penalty=1",
            ],
            "does not go with objective.slope_penalty",
        ),
        (["schedule.second_decay_rate_end=0.5"], "it can only rise"),
        (["schedule.second_decay_rate_end=1"], "second_decay_rate_end cannot be 1"),
        (["augmentation_probability=0.5"], "means nothing while augmentation is empty"),
        (
            ["augmentation=[shift]", "augmentation_probability=often"],
            "augmentation_probability cannot be 'often': adaptive, or a number from 0 to 1.",
        ),
        (["augmentation=[shift]", "augmentation_probability=1.5"], "a number from 0 to 1."),
        (["augmentation=[shift]", "augmentation_probability=true"], "a number from 0 to 1."),
        (["augmentation=[shift]", "augmentation_images=9"], "it is of adaptive"),
        (
            ["augmentation=[shift,colour]", "augmentation_probability=0"],
            "augmentation is shift, colour, which means nothing while augmentation_probability is 0",
        ),
        (
            [
                "augmentation=[shift]",
                "augmentation_probability=adaptive",
                "objective.loss=wasserstein",
            ],
            "says nothing with objective.loss=wasserstein",
        ),
        (["mirror=sometimes"], "mirror cannot be 'sometimes'"),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    section: str, overrides: list[str], said: str
) -> None:
    assert said in refusal(*(f"{section}.{override}" for override in overrides))


def test_so_is_an_average_that_nothing_asks_for() -> None:
    assert "means nothing while average_half_life_images is null" in refusal(
        "train.average_seen_share=0.1"
    )
    assert "average_half_life_images cannot be 0" in refusal("train.average_half_life_images=0")


def test_a_probability_is_a_number_or_adaptive() -> None:
    for text, expected in (("adaptive", "adaptive"), ("0.25", 0.25), ("1", 1.0)):
        settings = load_settings(
            overrides=["train.augmentation=[shift]", f"train.augmentation_probability={text}"]
        )
        assert settings.train.augmentation_probability == expected
        again = settings_from_tree(settings.model_dump(mode="json"))
        assert again == settings


@pytest.mark.parametrize("name", ["search", "train"])
def test_a_direction_beside_classes_is_refused(name: str) -> None:
    with pytest.raises(
        UserError, match=rf"{name}\.objective\.direction_head.*network\.conditional"
    ):
        load_settings(
            overrides=["network.conditional=always", f"{name}.objective.direction_head=true"]
        )


@pytest.mark.parametrize("value", ["0", "true", "two", "1.5"])
def test_a_count_that_may_be_auto_is_said_to_be_one(value: str) -> None:
    with pytest.raises(
        UserError, match=r"search\.scorers cannot be .*: auto, or a whole number from 1"
    ):
        load_settings("demo", overrides=[f"search.scorers={value}"])
