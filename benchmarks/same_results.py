"""Whether two checkouts compute the same, to the bit: presets in small, by the command line.

    python benchmarks/same_results.py OLD_CHECKOUT NEW_CHECKOUT [--only CASE]... [--keep FOLDER]

Both run the same commands on the same images, in one thread, side by side, each with a cache of its
own. Then all that these left is compared: generators by tensors, histories by lines, pictures, arrays,
JSON (results.json, derive.json, what --json printed, …). One line for each case and each difference;
exit code 0 if nothing differs, else 1. Imports nothing of autogan: the two may differ in modules.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from safetensors import safe_open

MAY_DIFFER = {
    "seconds": "time that passed",
    "peak_memory_mib": "memory of the process",
    "format": "version of the layout of a generator's file",
    "sha256": "over a generator's tensors, which are compared one by one, and its format and settings",
}
"""Fields, wherever in JSON or metadata, that two equal programs may fill differently. Also allowed:
settings that one side alone has (`compare`), a side's own folder in a text (`contents`)."""
NOT_COMPARED = {  # files and folders of a case
    "config.yaml": "versions, commit, machine, date; its settings stand in the generator too",
    "timings.json": "time that passed",
    "checksums.json": "of files with times in them",
    "report.html": "shows times and versions",
    "lock": "empty",
    "tensorboard": "curves of what log.jsonl holds, with times",
    "checkpoints": "their inner names belong to a version; what comes of them is compared",
    "messages.txt": "progress, with times, and what is printed for people",
}

SMALL = (  # shrinks any preset; 100 images are enough for every score by 32 features
    "log_every_steps=1 judge.width=8 judge.epochs=2 evaluate.images=100 derive.candidates=4 "
    "search.iterations=4 search.controller_steps=2 search.reward_images=100 search.candidates=4 "
    "search.beams=2 search.generator_channels=8 search.discriminator_channels=8 "
    "search.generator_batch=4 search.discriminator_batch=4 train.generator_channels=8 "
    "train.discriminator_channels=8 train.generator_batch=4 train.discriminator_batch=4 "
    "train.generator_steps=4 train.validate_every_steps=2 train.validation_images=100 "
)
OWN = SMALL + "search.shared_steps=12 derive.generator_steps=3 "
DEMO = SMALL + "search.shared_epochs=0.005 derive.generator_steps=3 judge.image_size=16 "
REDUCED = SMALL + "search.shared_epochs=0.25 "
PUBLISHED = REDUCED + "search.generator_batch=8 train.generator_batch=8 evaluate.protocol=custom"
RESETTING = OWN + "search.strategy=random search.reset.window=6 search.reset.threshold=100"
PRESETS = {  # that are run on folders of images; own-128, own-256 and table-16 are not among the cases
    **dict.fromkeys(("own-16", "own-32", "own-48", "own-64"), OWN),
    **{"cifar10-cpu": REDUCED, "cifar10": PUBLISHED, "cifar10-paper": PUBLISHED},
}
CORNERS = {"triangle": 3, "square": 4, "pentagon": 5, "disc": 30}


class Step(NamedTuple):
    """A command of autogan, with --set for each setting; SIGTERM at `stop_at` in the run's log."""

    command: str
    settings: str = ""
    stop_at: str | None = None


def make_cases() -> dict[str, list[Step]]:
    """Every case's steps. Paths are relative to WORK/SIDE/CASE."""
    names = ("demo", *PRESETS, "stl10-transfer")
    dry = [Step(f"run --preset {name} --dry-run --json") for name in names]
    data = "--data folder:../../images"
    every = {"settings": dry, "demo": [Step("demo --out run --json", DEMO + "judge.epochs=1")]}
    for name, settings in PRESETS.items():
        pixels = name[4:] if name.startswith("own-") else "32"
        every[name] = [Step(f"run --preset {name} {data}/{pixels} --out run --json", settings)]
    every["unlabelled"] = [Step(f"run --preset own-16 {data}/unlabelled --out run --json", OWN)]
    transfer = f"train --arch autogan-a --preset stl10-transfer {data}/48 --out run --json"
    every["stl10-transfer"] = [Step(transfer, PUBLISHED)]
    own = f"--preset own-16 {data}/16 --out run"
    every["train-sample-evaluate"] = [
        Step(f"train {own} --arch pre-batch-deconvolution/post-instance-bilinear+skip0", OWN),
        Step("sample run/generator.safetensors --count 20 --seed 3 --out grid.png"),
        Step("sample run/generator.safetensors --count 16 --interpolate --out interpolation.png"),
        Step("sample run/generator.safetensors --count 50 --npz images.npz"),
        Step("evaluate run/generator.safetensors --json"),
    ]
    every["search-derive"] = [Step(f"search {own} --json", RESETTING), Step("derive run --json")]
    every["interrupted"] = [
        Step(f"run {own} --time-limit 3s", OWN + "search.shared_steps=40 train.generator_steps=60"),
        Step("run --out run --resume", stop_at='"part": "train"'),
        Step("run --out run --resume --json"),
    ]
    taken = (
        "import-official ../../official/official_{0}.pth --arch {0} --out {0}.safetensors --json"
    )
    judged = Step(f"evaluate A.safetensors {data}/32 --json", SMALL)
    every["import-official"] = [*(Step(taken.format(name)) for name in "ABC"), judged]
    return every


def draw_images(folder: Path) -> None:
    """Four classes of 16 to 64 pixels, as many of each split as judges need; and 400 unlabelled."""
    files = [
        (f"{size}/{'train' if number < 48 else 'test'}/{name}/{number}.png", size, name)
        for size, name, number in product((16, 32, 48, 64), CORNERS, range(60))
    ]
    files += [(f"unlabelled/{name}{n}.png", 16, name) for name, n in product(CORNERS, range(100))]
    dice = random.Random(0)
    for file, size, name in files:  # a coloured shape on a ground that is darker below
        image = Image.linear_gradient("L").rotate(180).resize((size, size)).convert("RGB")
        image = image.point([value // 4 + dice.randrange(40) for value in range(768)])
        radius = dice.randint(size // 5, size // 3)
        x, y = (dice.randint(radius, size - radius) for _ in "xy")
        colour = tuple(dice.randint(100, 255) for _ in "rgb")
        ImageDraw.Draw(image).regular_polygon((x, y, radius), CORNERS[name], fill=colour)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / file)


def surroundings(checkout: Path, side: Path) -> dict[str, str]:
    """Environment: this checkout's sources (only read), one thread, a cache of this side."""
    own = {"PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1", "AUTOGAN_CACHE": str(side / "cache")}


def refuse_other_sources(checkout: Path, side: Path) -> None:
    """Ends the program where Python would take autogan from elsewhere."""
    words = [sys.executable, "-c", "import autogan; print(autogan.__file__)"]
    environment = surroundings(checkout, side)
    answer = subprocess.run(words, capture_output=True, text=True, cwd=side, env=environment)
    if not answer.stdout.startswith(f"{checkout / 'src'}{os.sep}"):
        sys.exit(f"{checkout} is no checkout of autogan: {answer.stdout}{answer.stderr}")


def run_steps(steps: list[Step], checkout: Path, folder: Path) -> str | None:
    """Runs one side of a case in its folder; what went wrong, or None."""
    folder.mkdir()
    messages, log = folder / "messages.txt", folder / "run" / "log.jsonl"
    own = surroundings(checkout, folder.parent)
    for number, step in enumerate(steps, start=1):
        settings = (f"--set={setting}" for setting in step.settings.split())
        words = [sys.executable, "-m", "autogan", *step.command.split(), *settings]
        name = f"{words[5]}-settings" if "--dry-run" in words else words[3]
        output = folder / f"{number}-{name}.json" if "--json" in words else messages
        with messages.open("a") as errors, output.open("a") as printed:
            process = subprocess.Popen(words, stdout=printed, stderr=errors, cwd=folder, env=own)
            while step.stop_at and process.poll() is None:
                if log.exists() and step.stop_at in log.read_text():
                    process.terminate()
                    break
                time.sleep(0.02)
            code = process.wait()
        early = step.stop_at or "--time-limit" in words
        early = early and (log.parent / "results.json").exists()
        if early or code != (143 if step.stop_at else 0):
            why = "it ended before it was interrupted" if early else f"exit code {code}"
            said = " ".join(messages.read_text().split())[-500:]
            return f"{folder}: autogan {words[3]}: {why}: {said}"
    return None


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Every value in a tree of JSON (also a list of plain ones) by its name, but what MAY_DIFFER."""
    if isinstance(value, dict) and value:
        kept = {key: item for key, item in value.items() if key not in MAY_DIFFER}
        parts = {f"{name}.{key}" if name else key: item for key, item in kept.items()}
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        parts = {f"{name}[{place}]": item for place, item in enumerate(value)}
    else:
        return {name: value}
    return {name: leaf for below in parts for name, leaf in flat(parts[below], below).items()}


def contents(file: Path, case: Path) -> dict[str, Any]:
    """All that a file holds: values and arrays by name."""
    if file.suffix == ".safetensors":
        with safe_open(file, "np") as opened:
            metadata = dict(opened.metadata() or {})
            tensors = {f"tensor {name}": opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        return flat({**metadata, "origin": json.loads(metadata.get("origin", "{}"))}) | tensors
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return {f"array {name}": arrays[name] for name in arrays.files}
    text = file.read_text() if file.suffix in (".json", ".jsonl") else ""
    text = text.replace(str(case), "CASE")  # a side's own folder, in commands for going on
    if file.suffix == ".jsonl":
        lines = enumerate(text.splitlines(), start=1)
        return flat({f"line {number}": json.loads(line) for number, line in lines})
    if file.suffix == ".json":
        tree = json.loads(text)
        return flat({"settings": tree} if file.stem.endswith("-settings") else tree)
    found = {"bytes": np.frombuffer(file.read_bytes(), np.uint8)}
    return {**found, "picture": np.asarray(Image.open(file))} if file.suffix == ".png" else found


def everything(case: Path) -> dict[str, Any]:
    """All that the compared files of one side of a case hold, as "FILE: NAME"."""
    found = {}
    for file in sorted(case.rglob("*")):
        shown = file.relative_to(case)
        if file.is_file() and not NOT_COMPARED.keys() & set(shown.parts):
            found |= {f"{shown}: {name}": value for name, value in contents(file, case).items()}
    return found


def kind_of(name: str) -> str | None:
    """What a value is counted as; None: as part of something else."""
    first = name.partition(" ")[0]
    if first in ("tensor", "array", "picture"):
        return f"{first}s"
    if first in ("line", "bytes"):
        return "log lines" if name.endswith(".event") else None
    if "settings." in name:
        return "settings"
    is_score = {"scores", "floor", "untrained", "validation"} & set(name.split("."))
    return "scores" if is_score else "other values"


def difference(old: Any, new: Any) -> str | None:
    """How two values differ, or None. To the bit: 1 is not 1.0, and NaN is the same NaN."""
    if not (isinstance(old, np.ndarray) and isinstance(new, np.ndarray)):
        texts = ["an array" if isinstance(v, np.ndarray) else json.dumps(v) for v in (old, new)]
        return None if texts[0] == texts[1] else f"old {texts[0]}, new {texts[1]}"
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"old {old.dtype}{old.shape}, new {new.dtype}{new.shape}"
    if old.tobytes() == new.tobytes():
        return None
    raw = [np.frombuffer(a.tobytes(), np.uint8).reshape(a.size, -1) for a in (old, new)]
    places = np.flatnonzero((raw[0] != raw[1]).any(axis=1))
    values = f"old {old.reshape(-1)[places[0]]}, new {new.reshape(-1)[places[0]]}"
    return f"{len(places)} of {old.size} elements, first [{places[0]}]: {values}"


def compare(old: Path, new: Path, lone: set[str]) -> tuple[Counter[str], list[str]]:
    """What was compared of a case, in numbers, and all differences; `lone` gets lone settings."""
    counts, found = Counter[str](), list[str]()
    before, after = everything(old), everything(new)
    for name in dict.fromkeys([*before, *after]):
        kind = kind_of(name.partition(": ")[2])
        if kind == "settings" and not (name in before and name in after):
            lone.add(name.rpartition("settings.")[2] + (" (old)" if name in before else " (new)"))
            continue
        counts.update([kind] if kind else [])
        if differing := difference(before.get(name, "absent"), after.get(name, "absent")):
            found.append(f"{name}: {differing}")
    return counts, found


def run_case(name: str, steps: list[Step], sides: dict[Path, Path], lone: set[str]) -> bool:
    """Runs a case on both sides (folder: checkout), says what differs; whether nothing does."""
    began = time.monotonic()
    folders = [side / name for side in sides]
    with ThreadPoolExecutor(2) as pool:
        found = [*filter(None, pool.map(run_steps, [steps] * 2, sides.values(), folders))]
    counts, found = (Counter[str](), found) if found else compare(*folders, lone)
    compared = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counts.items()))
    verdict = f"{len(found):,} differing" if found else "equal"
    line = f"{name}: {compared or 'nothing'}: {verdict} ({time.monotonic() - began:.0f} s)"
    print("\n  ".join([line, *found]), flush=True)
    return bool(counts) and not found


def main() -> None:
    """Runs the cases that are asked for, and says whether all are equal."""
    every = make_cases()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path, metavar="OLD_CHECKOUT")
    parser.add_argument("new", type=Path, metavar="NEW_CHECKOUT")
    parser.add_argument("--only", action="append", choices=every, help="a case; may be repeated")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for all files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (given.keep or Path(temporary)).resolve()
        if work.exists() and any(work.iterdir()):
            parser.error(f"--keep {work}: the folder must be new or empty")
        sides = {work / "old": given.old.resolve(), work / "new": given.new.resolve()}
        for side, checkout in sides.items():
            side.mkdir(parents=True)
            refuse_other_sources(checkout, side)
        (work / "official").symlink_to(given.old.resolve() / "tests/data/official")
        draw_images(work / "images")
        chosen, lone = list(dict.fromkeys(given.only or every)), set[str]()
        differing = [name for name in chosen if not run_case(name, every[name], sides, lone)]
    print(f"settings of one side alone, not compared: {', '.join(sorted(lone)) or 'none'}")
    print(f"DIFFERENT: {', '.join(differing)}" if differing else f"all {len(chosen)} cases equal")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
