"""The real images of a game: the discriminator's order is its own, and a resumed game goes on in both."""

import torch
from tiny import tiny

from autogan.images.batches import Batches
from autogan.method.game_batches import GameBatches
from autogan.settings.sections import TrainSettings


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


def test_half_of_the_real_images_are_mirrored_and_the_order_stays() -> None:
    pixels = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8)
    plain = tiny(train={"generator_batch": 6}).train
    mirroring = tiny(train={"generator_batch": 6, "mirror": True}).train

    def made(section: TrainSettings) -> GameBatches:
        return GameBatches(pixels, section, 0, "train", generator_sees_real=True)

    one, other, again = made(plain), made(mirroring), made(mirroring)
    mirrored = 0
    for _ in range(50):
        for draw in ("next", "next_for_generator"):
            expected, batch = getattr(one, draw)().pixels, getattr(other, draw)().pixels
            for image, shown in zip(expected, batch, strict=True):
                assert torch.equal(shown, image) or torch.equal(shown, image.flip(2))
                mirrored += torch.equal(shown, image.flip(2))
    assert 0.4 < mirrored / (50 * 10) < 0.6
    again.load_state_dict(other.state_dict())
    for _ in range(5):
        assert torch.equal(again.next().pixels, other.next().pixels)
    assert "mirrors" not in one.state_dict()
