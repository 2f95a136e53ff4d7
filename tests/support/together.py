"""Some steps of two games, by one process or by all that `torchrun` starts; the first writes what came of it.

python together.py OUT        torchrun --nproc-per-node 2 together.py OUT
"""

import sys

import torch

from autogan.device.compute import Compute
from autogan.device.processes import Processes
from autogan.gan.augmentation import make_augmentation
from autogan.gan.penalties import make_objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.settings.sections import TrainSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture

ARCHITECTURE = Architecture.parse("pre-batch-nearest+shortcut/post-instance-bilinear+skip0")
GAMES = {
    "hinge": TrainSettings(),
    "pairing, penalties, labels, augmentation": TrainSettings.model_validate(
        {
            "objective": {
                "loss": "relativistic-pairing",
                "spectral_norm": False,
                "real_penalty": 1.0,
                "generated_penalty": 1.0,
                "slope_penalty": 0.1,
                "penalty_every_steps": 2,
            },
            "augmentation": ["colour", "shift", "cutout"],
            "augmentation_probability": 0.5,
        }
    ),
}


def played(game: TrainSettings, classes: Classes | None, processes: Processes) -> dict:
    """Losses of six rounds in float64, then the images of some latents."""
    compute = Compute.resolve("cpu", "float32", processes=processes)
    space = search_space("autogan", 2)
    gan = Gan(
        space.only(ARCHITECTURE).generator(
            latent_size=8, channels=6, bottom_size=4, classes=classes
        ),
        space.discriminator(6, spectral_norm=game.objective.spectral_norm, classes=classes),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=compute,
        seed=1,
        purpose="together",
        average_decay=0.9,
        objective=make_objective(game.objective),
        augmentation=make_augmentation(game),
    )
    losses = []
    for number in range(6):
        stream = torch.Generator().manual_seed(number)
        pixels = torch.randint(0, 256, (8, 3, 16, 16), generator=stream, dtype=torch.uint8)
        batch = Batch(pixels, torch.arange(8) % 3 if classes else None)
        losses.append(gan.discriminator_step(batch, ARCHITECTURE).item())
        seen = batch if gan.objective.generator_sees_real or classes else None
        losses.append(gan.generator_step(8, ARCHITECTURE, seen).item())
    latents = torch.randn((4, 8), generator=torch.Generator().manual_seed(99))
    labels = torch.arange(4) % 3 if classes else None
    with torch.no_grad():
        images = gan.generator.eval()(latents, labels=labels)
    return {"losses": losses, "images": images, "latents": gan.streams.latents.state()}


def main() -> None:
    """Plays both games."""
    processes = Processes.started()
    classes = Classes(("a", "b", "c"), (0.4, 0.3, 0.3))
    told = {"hinge": None, "pairing, penalties, labels, augmentation": classes}
    found = {name: played(game, told[name], processes) for name, game in GAMES.items()}
    agreed = processes.agreed("SIGTERM" if processes.rank == processes.count - 1 else None)
    if processes.first:
        torch.save({"games": found, "agreed": agreed, "count": processes.count}, sys.argv[1])


if __name__ == "__main__":
    main()
