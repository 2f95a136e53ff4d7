"""The real images of a game: the discriminator's order is its own, and a resumed game goes on in both."""

import torch
from tiny import tiny

from autogan.images.batches import Batches
from autogan.method.game_batches import GameBatches


def test_the_generator_gets_images_only_where_it_sees_some() -> None:
    pixels = torch.randint(0, 256, (32, 3, 8, 8), dtype=torch.uint8)
    section = tiny(train={"generator_batch": 6}).train
    alone = Batches(pixels, section.discriminator_batch, 0, "train")
    blind = GameBatches(pixels, section, 0, "train", generator_sees_real=False)
    seeing = GameBatches(pixels, section, 0, "train", generator_sees_real=True)
    assert blind.next_for_generator() is None
    for _ in range(20):
        expected = alone.next().pixels
        shown = seeing.next_for_generator()
        assert shown is not None and len(shown) == 6
        assert torch.equal(blind.next().pixels, expected)
        assert torch.equal(seeing.next().pixels, expected)
    assert blind.state_dict() == alone.state_dict()
    again = GameBatches(pixels, section, 0, "train", generator_sees_real=True)
    again.load_state_dict(seeing.state_dict())
    for _ in range(5):
        here, there = seeing.next_for_generator(), again.next_for_generator()
        assert here is not None and there is not None and torch.equal(here.pixels, there.pixels)
        assert torch.equal(seeing.next().pixels, again.next().pixels)
