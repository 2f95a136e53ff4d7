"""Batches: every image once an epoch, its label beside it, and going on from a place in the order."""

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.images.batches import Batch, Batches

PIXELS = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 3, 2, 2).contiguous()
LABELS = torch.arange(10) % 4 - 1


def numbers(batch: Batch) -> list[int]:
    return batch.pixels[:, 0, 0, 0].tolist()


def test_an_epoch_shows_every_image_once_and_leaves_out_the_rest() -> None:
    batches = Batches(PIXELS, 4, seed=0, purpose="test")
    epochs = [numbers(batches.next()) + numbers(batches.next()) for _ in range(30)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert set.union(*map(set, epochs)) == set(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 30


def test_labels_stay_beside_their_images_and_do_not_change_the_order() -> None:
    labelled = Batches(PIXELS, 4, seed=0, purpose="test", labels=LABELS)
    plain = Batches(PIXELS, 4, seed=0, purpose="test")
    for _ in range(7):
        batch, other = labelled.next(), plain.next()
        assert batch.labels is not None and other.labels is None
        assert batch.labels.tolist() == [LABELS[n] for n in numbers(batch)]
        assert numbers(batch) == numbers(other) and len(batch) == 4


def test_batches_go_on_from_a_place_in_the_order() -> None:
    whole, restored = (Batches(PIXELS, 3, seed=1, purpose="test") for _ in range(2))
    for _ in range(5):
        whole.next()
    restored.load_state_dict(whole.state_dict())
    assert [numbers(whole.next()) for _ in range(5)] == [numbers(restored.next()) for _ in range(5)]


def test_fewer_images_than_a_batch_are_refused() -> None:
    with pytest.raises(UserError, match="A batch needs 11 images and the training images are 10"):
        Batches(PIXELS, 11, seed=0, purpose="test")


def test_a_batch_goes_to_a_device_as_a_whole() -> None:
    batch = Batch(PIXELS, LABELS).to(torch.device("meta"))
    assert batch.labels is not None
    assert batch.pixels.device.type == batch.labels.device.type == "meta" and len(batch) == 10
    assert Batch(PIXELS).to(torch.device("meta")).labels is None


@pytest.mark.parametrize(
    ("pixels", "labels"),
    [
        (PIXELS.float(), None),
        (PIXELS.long(), None),
        (PIXELS[0], None),
        (PIXELS[:, :2], None),
        (PIXELS, LABELS[:9]),
        (PIXELS, LABELS.int()),
    ],
)
def test_what_is_no_batch_is_refused(pixels: torch.Tensor, labels: torch.Tensor | None) -> None:
    with pytest.raises(AssertionError):
        Batch(pixels, labels)
