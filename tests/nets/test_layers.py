"""Layers against their textbook forms."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import (
    BatchNorm,
    CopyingDeconvolution,
    convolve_and_pool,
    convolve_deconvolved,
    convolve_upsampled,
    deconvolution,
    initialise,
    instance_norm,
    interpolate,
)
from autogan.spaces.autogan.cell import UpsampledProjection

Map = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pooled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)


def upsampled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), weight, bias, padding=1)


@pytest.mark.parametrize(
    ("short", "textbook"), [(convolve_and_pool, pooled), (convolve_upsampled, upsampled)]
)
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (2, 2), (6, 4)])
def test_shorter_forms_are_the_textbook_forms_with_their_gradients(
    short: Map, textbook: Map, size: tuple[int, int], with_bias: bool
) -> None:
    x, weight, bias = normal(2, 3, *size), normal(5, 3, 3, 3, seed=1), normal(5, seed=2)
    inputs = [x, weight, *([bias] if with_bias else [])]
    for tensor in inputs:
        tensor.requires_grad_(True)
    bias_or_none = bias if with_bias else None
    expected_output = textbook(x, weight, bias_or_none)
    output = short(x, weight, bias_or_none)
    torch.testing.assert_close(output, expected_output, rtol=0, atol=1e-10)
    factors = normal(*output.shape, seed=3)
    expected = torch.autograd.grad((expected_output * factors).sum(), inputs)
    gradients = torch.autograd.grad((output * factors).sum(), inputs)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("size", [(4, 4), (1, 1), (3, 2)])
def test_a_deconvolution_and_a_convolution_are_one(size: tuple[int, int], with_bias: bool) -> None:
    x, weight = normal(2, 3, *size), normal(5, 4, 3, 3, seed=1)
    bias = normal(5, seed=2) if with_bias else None
    first = nn.ConvTranspose2d(3, 4, 2, stride=2).double()
    with torch.no_grad():
        first.weight.copy_(normal(3, 4, 2, 2, seed=3))
        first.bias.copy_(normal(4, seed=4))
    inputs = [x, weight, *([bias] if with_bias else [])]
    for tensor in inputs:
        tensor.requires_grad_(True)
    inputs += list(first.parameters())
    expected_output = F.conv2d(first(x), weight, bias, padding=1)
    output = convolve_deconvolved(x, first, weight, bias)
    torch.testing.assert_close(output, expected_output, rtol=0, atol=1e-10)
    factors = normal(*output.shape, seed=5)
    expected = torch.autograd.grad((expected_output * factors).sum(), inputs)
    gradients = torch.autograd.grad((output * factors).sum(), inputs)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("doublings", [1, 2, 3])  # three: from cell 0 to cell 3
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear", "deconvolution"])
def test_upsampled_projection_is_upsampling_then_projection(
    upsampling: str, doublings: int
) -> None:
    upsamplings = ("bilinear", "nearest", "deconvolution")
    layer = UpsampledProjection(4, 6, doublings, upsamplings).double()
    initialise(layer, torch.Generator().manual_seed(0))
    layer.convolution.bias.data.copy_(normal(6, seed=9))
    x = normal(2, 4, 5, 5)
    factor = 2**doublings
    if upsampling == "deconvolution":
        large = x
        for step in layer.deconvolutions:
            large = F.conv_transpose2d(large, step.weight, step.bias, stride=2)
    elif upsampling == "nearest":
        large = x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    else:
        large = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    textbook = F.conv2d(large, layer.convolution.weight, layer.convolution.bias)
    got = layer(x, upsampling)
    assert got.shape == (2, 6, 5 * factor, 5 * factor)
    torch.testing.assert_close(got, textbook, rtol=0, atol=1e-10)


def test_interpolation_of_a_ramp_is_known_by_hand() -> None:
    x = torch.tensor([[[[0.0, 4.0]]], [[[4.0, 0.0]]]])
    row = interpolate(x, "bilinear")[0, 0, 0]
    assert row.tolist() == [0, 1, 3, 4]
    assert interpolate(x, "nearest")[1, 0, 1].tolist() == [4, 4, 0, 0]


def test_deconvolution_doubles_and_each_pixel_makes_its_own_square() -> None:
    layer = deconvolution(1, 1).double()
    x = normal(2, 1, 2, 3)
    expected = torch.kron(x, layer.weight[0, 0]) + layer.bias
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(3, 5, 4, 6), (1, 2, 3, 3), (4, 1, 2, 2)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_instance_norm_is_pytorchs_in_the_layout_it_was_given(
    layout: torch.memory_format, shape: tuple[int, ...]
) -> None:
    x = (3 * normal(*shape) + 1).contiguous(memory_format=layout).requires_grad_()
    output, expected = instance_norm(x), F.instance_norm(x)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-10)
    assert output.is_contiguous(memory_format=layout)
    factors = normal(*shape, seed=1)
    (gradient,) = torch.autograd.grad((output * factors).sum(), x)
    (expected_gradient,) = torch.autograd.grad((expected * factors).sum(), x)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-10)
    assert gradient.is_contiguous(memory_format=layout)


def norms() -> tuple[BatchNorm, nn.BatchNorm2d]:
    own, reference = BatchNorm(6), nn.BatchNorm2d(6)
    with torch.no_grad():
        own.weight.copy_(normal(6, seed=1))
        own.bias.copy_(normal(6, seed=2))
        own.running_mean.copy_(normal(6, seed=3))
        own.running_var.copy_(normal(6, seed=4).exp())
    reference.load_state_dict({**reference.state_dict(), **own.state_dict()})
    return own, reference


def test_batch_norm_equals_torchs_in_training_and_evaluation() -> None:
    own, reference = norms()
    for step in range(3):
        x = normal(4, 6, 3, 3, seed=10 + step, dtype=torch.float32) * 2 + 1
        torch.testing.assert_close(own(x), reference(x))
    torch.testing.assert_close(own.running_mean, reference.running_mean)
    torch.testing.assert_close(own.running_var, reference.running_var)
    x = normal(4, 6, 3, 3, seed=20, dtype=torch.float32)
    torch.testing.assert_close(own.eval()(x), reference.eval()(x))


def test_batch_statistics_normalise_with_the_batch_and_touch_no_buffer() -> None:
    own, _ = norms()
    own.eval()
    before = {name: value.clone() for name, value in own.state_dict().items()}
    x = normal(4, 6, 3, 3, seed=5, dtype=torch.float32) * 3 - 1
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.var((0, 2, 3), keepdim=True, correction=0)
    expected = (x - mean) / (variance + 1e-5).sqrt()
    expected = expected * own.weight.view(1, -1, 1, 1) + own.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(own(x, batch_statistics=True), expected)
    assert not torch.allclose(own(x), expected, atol=1e-2)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def module() -> nn.Sequential:
    layers = nn.Conv2d(12, 20, 3), deconvolution(20, 24), BatchNorm(24), nn.Linear(30, 50)
    return nn.Sequential(*layers, nn.Linear(40, 40, bias=False))


def test_initialise_is_deterministic_within_xaviers_bounds_and_resets_batch_norm() -> None:
    one, same, other = module(), module(), module()
    for net, seed in ((one, 0), (same, 0), (other, 1)):
        for parameter in net.parameters():
            parameter.data.fill_(7)
        net[2].running_mean.fill_(3)
        net[2].running_var.fill_(3)
        initialise(net, torch.Generator().manual_seed(seed))
    states = [net.state_dict() for net in (one, same, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    fans = {0: 9 * (12 + 20), 1: 4 * (20 + 24), 3: 30 + 50, 4: 40 + 40}
    for index, fan in fans.items():
        bound = math.sqrt(6 / fan)
        weight = one[index].weight
        assert not torch.equal(weight, other[index].weight)
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
        if one[index].bias is not None:
            assert not one[index].bias.any()
    fresh = BatchNorm(24).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in one[2].state_dict().items())


def test_conditional_batch_norm_is_the_textbook_form_with_its_gradients() -> None:
    """BN(x)·(1 + W_g e_y) + W_b e_y, e_y the one-hot vector of the class."""
    layer = BatchNorm(3, classes=4).double()
    with torch.no_grad():
        for number, parameter in enumerate(layer.parameters()):
            parameter.copy_(normal(*parameter.shape, seed=number + 1))
    x, labels = normal(5, 3, 4, 4).requires_grad_(True), torch.tensor([0, 2, 2, 3, 0])
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
    normalised = (x - mean) / (variance + BatchNorm.EPSILON).sqrt()
    plain = normalised * layer.weight[:, None, None] + layer.bias[:, None, None]
    one_hot = F.one_hot(labels, 4).double()
    gain, bias = (
        (one_hot @ table)[..., None, None] for table in (layer.class_gain, layer.class_bias)
    )
    expected_output = plain * (1 + gain) + bias
    output = layer(x, labels=labels)
    torch.testing.assert_close(output, expected_output, rtol=0, atol=1e-10)
    inputs, factors = [x, *layer.parameters()], normal(*output.shape, seed=9)
    expected = torch.autograd.grad((expected_output * factors).sum(), inputs)
    gradients = torch.autograd.grad((output * factors).sum(), inputs)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    assert not gradients[3][1].any(), "a class that no image has"


def test_classes_begin_alike_and_leave_the_statistics_alone() -> None:
    conditional, plain = BatchNorm(3, classes=2), BatchNorm(3)
    x, labels = normal(4, 3, 2, 2, dtype=torch.float32), torch.tensor([0, 1, 1, 0])
    assert torch.equal(conditional(x, labels=labels), plain(x))
    assert torch.equal(conditional.running_mean, plain.running_mean)
    with torch.no_grad():
        conditional.class_gain.fill_(5)
        conditional.class_bias.fill_(5)
    initialise(conditional, torch.Generator())
    assert torch.equal(conditional(x, labels=labels), plain(x))


def test_conditional_maps_stay_channels_last() -> None:
    x = normal(4, 3, 2, 2, dtype=torch.float32).contiguous(memory_format=torch.channels_last)
    made = BatchNorm(3, classes=2)(x, labels=torch.tensor([0, 1, 1, 0]))
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_a_copying_deconvolution_starts_as_nearest_upsampling_and_learns_as_any_other() -> None:
    layer, x = CopyingDeconvolution(3), normal(2, 3, 4, 4, dtype=torch.float32)
    initialise(layer, torch.Generator().manual_seed(0))
    assert torch.equal(layer(x), interpolate(x, "nearest"))
    usual = deconvolution(3, 3)
    assert usual.state_dict().keys() == layer.state_dict().keys()
    usual.load_state_dict(layer.state_dict())
    for each in (layer, usual):
        each(x).square().sum().backward()
    assert layer.weight.grad is not None and bool(layer.weight.grad.any())
    assert torch.equal(layer.weight.grad, usual.weight.grad)
