"""The diagrams show each operation, skip and shortcut of an architecture, and no more."""

import itertools
import random
import xml.etree.ElementTree as ElementTree

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.modern.decisions import CONVOLUTION_ORDERS, cells_of
from autogan.spaces.modern.diagram import architecture_diagram

ARCHITECTURE = Architecture.parse(
    "modern:pre-batch-nearest/grouped-bilinear+softmax+half+skip0/modulated-nearest+linear+skip1"
)


def drawn(architecture: Architecture) -> ElementTree.Element:
    return ElementTree.fromstring(architecture_diagram(architecture))


def values(root: ElementTree.Element, attribute: str) -> list[str]:
    return [e.attrib[attribute] for e in root.iter() if attribute in e.attrib]


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_each_skip_shortcut_and_attention_is_drawn_once() -> None:
    for seed in range(30):
        architecture = search_space("modern", 3).sample(random.Random(seed))
        cells = cells_of(architecture)
        root = drawn(architecture)
        skips = [f"{s}-{t}" for t, cell in enumerate(cells) for s in cell.skips]
        assert sorted(values(root, "data-skip")) == sorted(skips)
        shortcuts = [str(i) for i, c in enumerate(cells) if c.kind in CONVOLUTION_ORDERS]
        assert values(root, "data-shortcut") == shortcuts
        shown = texts(root)
        for name in ("softmax", "linear"):
            assert shown.count(f"{name} attn") == sum(c.attention == name for c in cells)
        modulated = sum(c.kind == "modulated" for c in cells)
        assert shown.count("mapping") == (modulated > 0)
        assert shown.count("modulated 3×3") + shown.count("modulated") >= 2 * modulated


def test_nothing_stands_outside_of_the_drawing_or_upon_another_cell() -> None:
    root = drawn(ARCHITECTURE)
    cards = [
        (float(e.attrib["x"]), float(e.attrib["x"]) + float(e.attrib["width"]))
        for e in root.iter()
        if e.attrib.get("class") == "card" and "style" not in e.attrib
    ]
    assert len(cards) == 3
    assert all(left[1] < right[0] for left, right in itertools.pairwise(cards))
    chips = [
        (float(e.attrib["x"]), float(e.attrib["y"]), float(e.attrib["height"]))
        for e in root.iter()
        if e.attrib.get("class") in ("conv", "up", "norm", "act", "att")
    ]
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert all(0 <= x <= width - 100 and 0 <= y <= height - h for x, y, h in chips)


def test_the_text_diagram_shows_every_operation_in_turn() -> None:
    space = search_space("modern", 3)
    lines = space.text_diagram(ARCHITECTURE, channels=16, bottom_size=4).splitlines()
    assert lines[0].strip() == "latent → styles" and max(map(len, lines)) <= 80
    inside = " ".join(line.split("│")[1].strip() for line in lines if "│" in line)
    bottleneck = "1×1 conv → leaky ReLU → 3×3 grouped conv → leaky ReLU → 1×1 conv → + identity"
    assert inside.count(bottleneck) == 2
    assert inside.count("3×3 modulated conv → noise → leaky ReLU") == 2
    assert inside.count("softmax attention") == inside.count("linear attention") == 1
