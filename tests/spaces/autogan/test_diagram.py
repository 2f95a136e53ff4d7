"""The diagram shows each skip, each shortcut and each operation of the architecture, and no more."""

import itertools
import random
import xml.etree.ElementTree as ElementTree

import pytest

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import cells_of
from autogan.spaces.autogan.diagram import architecture_diagram


def drawn(architecture: Architecture, bottom_size: int = 4) -> ElementTree.Element:
    return ElementTree.fromstring(architecture_diagram(architecture, bottom_size))


def values(root: ElementTree.Element, attribute: str) -> list[str]:
    return [e.attrib[attribute] for e in root.iter() if attribute in e.attrib]


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


@pytest.mark.parametrize("cells", [1, 2, 3, 5, 7])
def test_each_skip_and_shortcut_is_drawn_once(cells: int) -> None:
    generator = random.Random(cells)
    for _ in range(20):
        architecture = search_space("autogan", cells).sample(generator)
        root = drawn(architecture)
        skips = [f"{s}-{t}" for t, cell in enumerate(cells_of(architecture)) for s in cell.skips]
        shortcuts = [str(i) for i, cell in enumerate(cells_of(architecture)) if cell.shortcut]
        assert sorted(values(root, "data-skip")) == sorted(skips)
        assert values(root, "data-shortcut") == shortcuts
        assert texts(root).count("shortcut") == len(shortcuts)


def test_operations_stand_in_the_order_in_which_they_run() -> None:
    root = drawn(Architecture.parse("pre-batch-nearest/post-instance-deconvolution"))
    shown = texts(root)
    first, second = shown.index("Cell 0"), shown.index("Cell 1")
    pre = [t for t in shown[first:second] if "×" not in t or t.endswith("×2") or "conv" in t]
    assert [t for t in pre if t in ("batch norm", "ReLU", "nearest ×2", "conv 3×3")] == [
        *("batch norm", "ReLU", "nearest ×2", "conv 3×3"),
        *("batch norm", "ReLU", "conv 3×3"),
    ]
    post = [t for t in shown[second:] if t in ("instance norm", "ReLU", "deconv ×2", "conv 3×3")]
    assert post[:7] == [
        *("deconv ×2", "conv 3×3", "instance norm", "ReLU"),
        *("conv 3×3", "instance norm", "ReLU"),
    ]


def test_resolutions_follow_the_bottom_size() -> None:
    shown = texts(drawn(Architecture.parse("autogan-a"), bottom_size=6))
    for words in ("6×6", "12×12", "24×24", "48×48", "RGB 48×48", "24×24 → 48×48"):
        assert words in shown


def test_skips_that_run_side_by_side_keep_apart() -> None:
    everything = "/".join(
        "-".join(("pre", "none", "nearest")) + "".join(f"+skip{s}" for s in range(cell))
        for cell in range(5)
    )
    root = drawn(Architecture.parse(everything))
    spans: dict[str, list[tuple[float, float]]] = {}
    for path in root.iter():
        if "data-skip" not in path.attrib:
            continue
        start, _, rest = path.attrib["d"][1:].partition(" ")
        height = rest.split("Q")[1].split(" ")[1]
        end = rest.split("H")[1].split("Q")[1].split(" ")[0]
        spans.setdefault(height, []).append((float(start), float(end)))
    assert sum(map(len, spans.values())) == 10
    for lane in spans.values():
        lane.sort()
        assert all(a[1] < b[0] for a, b in itertools.pairwise(lane))
