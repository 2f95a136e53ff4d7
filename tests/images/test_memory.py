"""Data larger than memory: images are mapped from the cache, never held by the process.

The limit counts what a process allocates for itself (RLIMIT_DATA), not the pages of mapped files, which
the system keeps only as long as it has room for them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json, resource, sys
from pathlib import Path
import torch
from autogan.images import cache
from autogan.images.batches import Batches
from autogan.images.dataset import from_stored
from autogan.settings.judge import JudgeSettings
from autogan.judges import domain_judge, floor, reference, train_domain_judge
from autogan.judges.domain import DomainJudge
from autogan.judges.network import build, initialise
from autogan.judges.questions import Question

number, allowed_mib, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
torch.set_num_threads(1)

def status(name):
    (line,) = (l for l in open("/proc/self/status") if l.startswith(name + ":"))
    return int(line.split()[1]) // 1024

class Enough(Exception):
    pass

def three_steps(training):
    for _ in range(3):
        training.step()
    raise Enough

torch.nn.Conv2d(3, 8, 3)(torch.rand(64, 3, 64, 64)).sum().backward()  # what torch takes for itself
before = status("VmData")
limit = (before + allowed_mib) * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

def write(entry):
    for part, count in (("train", number), ("held_out", number // 50)):
        pixels, _ = entry.new(part, count, 64, labelled=False)
        for start in range(0, count, 1000):
            pixels[start : start + 1000, :, start % 64] = 255
    return cache.Contents((), ())

data = from_stored("many", cache.load_or_build("many", folder, write), folder)
task = Question.of(data.class_names)
for size in (8, 64):
    batches = Batches(data.resized(size).train.pixels, 32, 0, "memory")
    for _ in range(3):
        batches.next()
settings = JudgeSettings(image_size=16, width=8, epochs=1)
try:
    train_domain_judge(data, settings, 0, torch.device("cpu"), "float32", three_steps)
except Enough:
    pass
network = build(8, 4)
initialise(network, torch.Generator().manual_seed(0))
about = {"task": "rotation", "answers": task.answers, "recipe": settings.to_dict(),
         "held_out_accuracy": 0.5}
judge = DomainJudge(network, about, torch.device("cpu"))
floor(judge, data.held_out, reference(judge, data.train, data.digest, folder))
print(json.dumps({"pixels_mib": number * 3 * 64 * 64 // 2**20, "before_mib": before,
                  "after_mib": status("VmData"), "resident_own_mib": status("RssAnon")}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts so only on Linux")
def test_images_take_no_memory_of_the_process(tmp_path: Path) -> None:
    """703 MiB of pixels, a resized copy, a judge and its reference, within 340 MiB (they take about 160)."""
    answer = subprocess.run(
        [sys.executable, "-c", PROBE, "60000", "340", str(tmp_path)], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["pixels_mib"] > 2 * 340
