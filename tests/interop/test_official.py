"""The authors' networks: against their program's outputs, and, at other sizes, against the textbook.

The textbook form below computes straight from a state dict with the authors' names. It shares no
code with the package, and the golden outputs show that it is the authors' program.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.interop import (
    load_official_discriminator,
    load_official_generator,
    load_official_search,
)
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace

State = dict[str, Tensor]
PUBLISHED = {
    "A": [1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3],
    "B": [1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 3],
    "C": [1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3],
}
CASES = range(24)


@pytest.fixture(scope="module")
def golden(official: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(v) for name, v in np.load(official / "golden.npz").items()}


@pytest.fixture(scope="module")
def cases(official: Path) -> list[dict[str, Any]]:
    cases = json.loads((official / "golden.json").read_text())["cases"]
    assert [case["id"] for case in cases] == list(CASES)
    return cases


@pytest.fixture(scope="module")
def search(official: Path) -> Any:
    return load_official_search(official / "official_search.pth")


def read(file: Path, part: str) -> State:
    return torch.load(file, weights_only=True)[part]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def logits_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected.reshape(-1), atol=0, rtol=1e-3)


# The textbook form


def cells_of(vector: list[int]) -> list[list[int]]:
    """[[C, N, U, SC, skips], …]"""
    return [[*vector[:4], 0], *(vector[i : i + 5] for i in range(4, len(vector), 5))]


def textbook_images(state: State, vector: list[int], z: Tensor) -> Tensor:
    def convolve(name: str, x: Tensor) -> Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def double(name: str, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride=2)

    def batch_norm(name: str, x: Tensor) -> Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{name}.{n}"] for n in names))

    def upsample(x: Tensor, up: int, times: int, names: list[str]) -> Tensor:
        if up < 2:
            return F.interpolate(x, scale_factor=2**times, mode=("bilinear", "nearest")[up])
        for name in names:
            x = double(name, x)
        return x

    def block(cell: str, number: int, options: list[int], x: Tensor) -> Tensor:
        pre, norm, up = options[:3]
        fixed = f"{cell}.c1.weight" in state
        place = f"{cell}.{('post', 'pre')[pre]}_conv{number}"
        bn = f"{cell}.n{number}" if fixed else f"{place}.bn"

        def activate(x: Tensor) -> Tensor:
            if norm:
                x = batch_norm(bn, x) if norm == 1 else F.instance_norm(x)
            return x.relu()

        if pre:
            x = activate(x)
        if number == 1:
            x = upsample(x, up, 1, [f"{place}.deconv"])
        x = convolve(f"{cell}.c{number}" if fixed else f"{place}.conv", x)
        return x if pre else activate(x)

    rows, channels = len(state["l1.bias"]), state["to_rgb.2.weight"].shape[1]
    bottom = round((rows / channels) ** 0.5)
    x = F.linear(z, state["l1.weight"], state["l1.bias"]).view(-1, channels, bottom, bottom)
    skip_outs: list[Tensor] = []
    for index, options in enumerate(cells_of(vector)):
        cell, (up, shortcut, skips) = f"cell{index + 1}", options[2:]
        h = block(cell, 1, options, x)
        sources = [s for s in range(index) if skips >> (index - 1 - s) & 1]
        for place, source in enumerate(sources):
            times = index - source
            layers = ["skip_deconvx2"] if times == 1 else ["skip_deconvx4.0", "skip_deconvx4.1"]
            brought = upsample(skip_outs[source], up, times, [f"{cell}.{name}" for name in layers])
            which = place if f"{cell}.c1.weight" in state else source
            h = h + convolve(f"{cell}.skip_in_ops.{which}", brought)
        skip_outs.append(h)
        h = block(cell, 2, options, h)
        if shortcut:
            h = h + convolve(f"{cell}.c_sc", upsample(x, up, 1, [f"{cell}.deconv_sc"]))
        x = h
    return convolve("to_rgb.2", batch_norm("to_rgb.0", x).relu()).tanh()


def textbook_logits(state: State, images: Tensor, stage: int = 2) -> Tensor:
    def layer(name: str, x: Tensor) -> Tensor:
        weight = state[f"{name}.weight_orig"]
        sigma = state[f"{name}.weight_u"] @ weight.flatten(1) @ state[f"{name}.weight_v"]
        if weight.ndim == 2:
            return F.linear(x, weight / sigma)
        return F.conv2d(x, weight / sigma, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    x = images
    for number in [*range(1, stage + 2), 4]:
        name = f"block{number}"
        h = layer(f"{name}.c1", x if number == 1 else x.relu()).relu()
        h = layer(f"{name}.c2", h)
        if number <= 2:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(layer(f"{name}.c_sc", x), 2)
        x = h + x
    return layer("l5", x.relu().sum(dim=(2, 3)))


def textbook_controller(
    state: State, hidden: Tensor, cell: Tensor, actions: Tensor
) -> list[Tensor]:
    """log-probabilities B×T, entropies B×T, hidden B×H, cell B×H."""
    lstm = torch.nn.LSTMCell(hidden.shape[1], hidden.shape[1])
    lstm.load_state_dict({n[5:]: t for n, t in state.items() if n.startswith("lstm.")})
    x, tokens_before, log_probabilities, entropies = torch.zeros_like(hidden), 0, [], []
    for step, action in enumerate(actions.T):
        hidden, cell = lstm(x, (hidden, cell))
        logits = F.linear(hidden, *(state[f"decoders.{step}.{n}"] for n in ("weight", "bias")))
        distribution = torch.distributions.Categorical(logits=logits)
        log_probabilities.append(distribution.log_prob(action))
        entropies.append(distribution.entropy())
        x = state["encoder.weight"][tokens_before + action]
        tokens_before += logits.shape[1]
    return [torch.stack(log_probabilities, 1), torch.stack(entropies, 1), hidden, cell]


# State dicts as the authors' program writes them, at any size


def drawn(shapes: dict[str, tuple[int, ...]], seed: int) -> State:
    stream = torch.Generator().manual_seed(seed)
    state = {name: torch.randn(s, generator=stream) * 0.3 for name, s in shapes.items()}
    for name, tensor in state.items():
        if name.endswith("running_var"):
            tensor.abs_().add_(0.5)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
    return state


def generator_shapes(
    vector: list[int] | None, channels: int, bottom: int, latent: int
) -> dict[str, tuple[int, ...]]:
    """Of the fixed network of `vector`, or of the shared generator."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, weight: tuple[int, ...], outputs: int) -> None:
        shapes.update({f"{name}.weight": weight, f"{name}.bias": (outputs,)})

    def square(name: str, kernel: int) -> None:
        layer(name, (channels, channels, kernel, kernel), channels)

    def norm(name: str) -> None:
        layer(name, (channels,), channels)
        shapes.update({f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)})
        shapes[f"{name}.num_batches_tracked"] = ()

    layer("l1", (channels * bottom**2, latent), channels * bottom**2)
    for index, options in enumerate(cells_of(vector or [0] * 14)):
        cell = f"cell{index + 1}"
        if vector is None:
            for block in ("post_conv1", "pre_conv1", "post_conv2", "pre_conv2"):
                square(f"{cell}.{block}.conv", 3)
                square(f"{cell}.{block}.deconv", 2)
                norm(f"{cell}.{block}.bn")
            for name in ("deconv_sc", "skip_deconvx2", "skip_deconvx4.0", "skip_deconvx4.1"):
                square(f"{cell}.{name}", 2)
        else:
            for number in (1, 2):
                square(f"{cell}.c{number}", 3)
                if options[1] == 1:
                    norm(f"{cell}.n{number}")
        if vector is None or options[3]:
            square(f"{cell}.c_sc", 1)
        for place in range(index if vector is None else options[4].bit_count()):
            square(f"{cell}.skip_in_ops.{place}", 1)
    norm("to_rgb.0")
    layer("to_rgb.2", (3, channels, 3, 3), 3)
    return shapes


def discriminator_shapes(channels: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    layers = {f"block{n}.c{c}": 3 for n in (1, 2, 3, 4) for c in (1, 2)}
    for name, kernel in {**layers, "block1.c_sc": 1, "block2.c_sc": 1, "l5": 0}.items():
        rows, depth = (channels if kernel else 1), channels
        if name in ("block1.c1", "block1.c_sc"):
            depth = 3
        shapes[f"{name}.weight_orig"] = (rows, depth, kernel, kernel) if kernel else (rows, depth)
        shapes[f"{name}.weight_u"] = (rows,)
        shapes[f"{name}.weight_v"] = (depth * (kernel or 1) ** 2,)
        if kernel:
            shapes[f"{name}.bias"] = (rows,)
    return shapes


def controller_shapes(sizes: list[int], hidden: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"encoder.weight": (sum(sizes), hidden)}
    for side in ("ih", "hh"):
        shapes[f"lstm.weight_{side}"] = (4 * hidden, hidden)
        shapes[f"lstm.bias_{side}"] = (4 * hidden,)
    for index, size in enumerate(sizes):
        shapes |= {f"decoders.{index}.weight": (size, hidden), f"decoders.{index}.bias": (size,)}
    return shapes


def shapes_of(state: State) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


# Golden outputs


@torch.no_grad()
def test_the_textbook_form_is_the_authors_program(
    official: Path, golden: dict[str, Tensor], cases: list[dict[str, Any]]
) -> None:
    checkpoint = torch.load(official / "official_search.pth", weights_only=True)
    generator, discriminator = checkpoint["gen_state_dict"], checkpoint["dis_state_dict"]
    assert shapes_of(generator) == generator_shapes(None, 16, 4, 16)
    assert shapes_of(discriminator) == discriminator_shapes(8)
    assert shapes_of(checkpoint["ctrl_state_dict"]) == controller_shapes([2, 3, 3, 2, 4], 20)
    for case in cases:
        images = golden[f"case{case['id']}.images"]
        close(textbook_images(generator, case["vector"], golden["z"]), images)
        logits = textbook_logits(discriminator, images, case["stage"])
        torch.testing.assert_close(logits, golden[f"case{case['id']}.logits"], atol=0, rtol=1e-3)
    for name, vector in PUBLISHED.items():
        state = read(official / f"official_{name}.pth", "gen_state_dict")
        assert shapes_of(state) == generator_shapes(vector, 16, 4, 16)
        close(textbook_images(state, vector, golden["z"]), golden[f"{name}.images"])
    given = [golden[f"ctrl.{name}"] for name in ("hx", "cx", "actions")]
    for found, name in zip(
        textbook_controller(checkpoint["ctrl_state_dict"], *given),
        ("log_probs", "entropies", "hx_out", "cx_out"),
        strict=True,
    ):
        close(found, golden[f"ctrl.{name}"])


@pytest.mark.parametrize("name", PUBLISHED)
@torch.no_grad()
def test_published_networks(official: Path, golden: dict[str, Tensor], name: str) -> None:
    file = official / f"official_{name}.pth"
    averaged = load_official_generator(file, name)
    raw = load_official_generator(str(file), PUBLISHED[name], average=False)
    assert not averaged.training and not raw.training
    images = raw(golden["z"])
    close(images, golden[f"{name}.images"])
    close(averaged(golden["z"]), golden[f"{name}.avg_images"])
    assert (golden[f"{name}.images"] - golden[f"{name}.avg_images"]).abs().max() > 1e-3
    discriminator = load_official_discriminator(file)
    assert not discriminator.training
    logits_close(discriminator(images), golden[f"{name}.logits"])


def test_architectures_of_another_space_are_none_of_the_authors(official: Path) -> None:
    file = official / f"official_{next(iter(PUBLISHED))}.pth"
    with pytest.raises(UserError, match="of the space autogan, and modern:grouped-nearest is of"):
        load_official_generator(file, "modern:grouped-nearest")


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_shared_networks(
    official: Path,
    golden: dict[str, Tensor],
    cases: list[dict[str, Any]],
    search: Any,
    case: int,
) -> None:
    vector, stage = cases[case]["vector"], cases[case]["stage"]
    architecture = Architecture.from_vector(vector)
    for notation in (vector, tuple(vector), np.array(vector), str(vector), architecture):
        images = search.generator(golden["z"], notation)
        close(images, golden[f"case{case}.images"])
    logits_close(search.discriminator(images, stage), golden[f"case{case}.logits"])
    if stage == 2:
        derived = load_official_generator(official / "official_search.pth", vector, average=False)
        close(derived(golden["z"]), golden[f"case{case}.images"])


@pytest.mark.parametrize("case", CASES)
def test_gradients_reach_every_weight_that_a_case_uses(
    official: Path, golden: dict[str, Tensor], cases: list[dict[str, Any]], case: int
) -> None:
    vector, stage = cases[case]["vector"], cases[case]["stage"]
    search = load_official_search(official / "official_search.pth")
    search.generator.train()
    search.discriminator.train()
    images = search.generator(golden["z"], vector)
    search.discriminator(images, stage).mean().backward()
    only = SearchSpace.only(Architecture.from_vector(vector))
    used = {
        n
        for n, _ in AutoGanGenerator(
            only, latent_size=1, channels=1, bottom_size=1
        ).named_parameters()
    }
    for name, parameter in search.generator.named_parameters():
        assert (parameter.grad is not None) == (name in used), name
        assert parameter.grad is None or parameter.grad.isfinite().all(), name
    assert search.generator.project.weight.grad.abs().max() > 0
    grown = [*search.discriminator.growing[: stage + 1], search.discriminator.last]
    for parameter in (p for block in grown for p in block.parameters()):
        assert parameter.grad is not None and parameter.grad.isfinite().all()


@torch.no_grad()
def test_controller(golden: dict[str, Tensor], search: Any) -> None:
    assert search.controller_stage == 2
    trace = search.controller((golden["ctrl.hx"], golden["ctrl.cx"]), golden["ctrl.actions"])
    close(trace.log_probabilities, golden["ctrl.log_probs"])
    close(trace.entropies, golden["ctrl.entropies"])
    close(trace.hidden, golden["ctrl.hx_out"])
    close(trace.cell, golden["ctrl.cx_out"])


# Other sizes


@pytest.mark.parametrize(("channels", "bottom", "latent"), [(8, 6, 12), (5, 4, 3), (1, 2, 128)])
@torch.no_grad()
def test_searches_of_other_sizes(tmp_path: Path, channels: int, bottom: int, latent: int) -> None:
    generator = drawn(generator_shapes(None, channels, bottom, latent), 1)
    discriminator = drawn(discriminator_shapes(channels + 1), 2)
    latents = torch.Generator().manual_seed(3)
    z = torch.randn(3, latent, generator=latents)
    space = search_space("autogan", 3)
    for stage in range(3):
        sizes = [len(decision.options) for decision in space.at_stage(stage)]
        controller = drawn(controller_shapes(sizes, channels + 2), 4)
        checkpoint = {
            "gen_state_dict": generator,
            "dis_state_dict": discriminator,
            "ctrl_state_dict": controller,
        }
        torch.save(checkpoint, tmp_path / "search.pth")
        search = load_official_search(tmp_path / "search.pth")
        assert search.controller_stage == stage
        stream = np.random.default_rng(stage)
        for _ in range(10):
            vector = [
                int(stream.integers(len(decision.options)))
                for decisions in space.by_stage[: stage + 1]
                for decision in decisions
            ]
            images = search.generator(z, vector)
            assert images.shape == (3, 3, bottom << (stage + 1), bottom << (stage + 1))
            close(images, textbook_images(generator, vector, z))
            logits = search.discriminator(images, stage)
            logits_close(logits, textbook_logits(discriminator, images, stage))
        actions = torch.tensor(stream.integers(sizes, size=(4, len(sizes))))
        states = torch.randn(2, 4, channels + 2, generator=latents).unbind()
        trace = search.controller(states, actions)
        expected = textbook_controller(controller, *states, actions)
        for found, right in zip(
            (trace.log_probabilities, trace.entropies, trace.hidden, trace.cell),
            expected,
            strict=True,
        ):
            close(found, right)


@pytest.mark.parametrize(
    "vector",
    [
        *PUBLISHED.values(),
        [1, 2, 0, 0, 1, 1, 1, 0, 0, 1, 2, 0, 1, 2],
        [1, 1, 1, 0, 1, 2, 0, 1, 1, 1, 0, 1, 0, 1],
        [1, 0, 0, 1, 1, 1, 1, 0, 1],
        [1, 2, 1, 0],
    ],
    ids=str,
)
@pytest.mark.parametrize(("channels", "bottom", "latent"), [(8, 6, 12), (5, 3, 2)])
@torch.no_grad()
def test_fixed_networks_of_other_sizes(
    tmp_path: Path, vector: list[int], channels: int, bottom: int, latent: int
) -> None:
    state = drawn(generator_shapes(vector, channels, bottom, latent), 5)
    torch.save(state, tmp_path / "plain.pth")
    generator = load_official_generator(tmp_path / "plain.pth", vector)
    z = torch.randn(3, latent, generator=torch.Generator().manual_seed(6))
    images = generator(z)
    close(images, textbook_images(state, vector, z))
    torch.save(drawn(discriminator_shapes(7), 7), tmp_path / "discriminator.pth")
    discriminator = load_official_discriminator(tmp_path / "discriminator.pth")
    expected = textbook_logits(torch.load(tmp_path / "discriminator.pth"), images)
    logits_close(discriminator(images), expected)
