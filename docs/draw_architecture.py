"""Draws the four pictures of docs/architecture.md: .venv/bin/python docs/draw_architecture.py

Rooms and their order are read from the contract in pyproject.toml. A text that does not fit its box is
an error; widths are those of DejaVu Sans, which is wider than what most systems show.
"""

import tomllib
from html import escape
from pathlib import Path

from matplotlib import get_data_path
from PIL import ImageFont

HERE = Path(__file__).parent
WIDTH = 900
FONTS = {
    "title": ("DejaVuSans-Bold.ttf", 14),
    "text": ("DejaVuSans.ttf", 13),
    "label": ("DejaVuSans.ttf", 12),
    "code": ("DejaVuSansMono.ttf", 12),
}
KINDS = {"*": "title", "~": "label", "`": "code"}
"""The kind of a line in a box by its first character; other lines are text."""
LINE = 17  # from one line of text to the next, in pixels
STYLE = """
text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1f2933 }
.title { font-weight: 600; font-size: 14px }
.label { font-size: 12px; fill: #44515e }
.code { font-family: ui-monospace, monospace; font-size: 12px; fill: #44515e }
.paper { fill: #ffffff }
.line { fill: none; stroke: #64727f; stroke-width: 1.5 }
.dashed { stroke-dasharray: 5 4 }
.head { fill: #64727f }
.box { fill: #eef1f4; stroke: #9aa5b1 }
.frame { fill: none; stroke: #9aa5b1 }
.blue { fill: #e2eefb; stroke: #4384c8 }
.green { fill: #e2f4e7; stroke: #3f9a62 }
.amber { fill: #fcf0d6; stroke: #c48a20 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8edf2 }
  .label, .code { fill: #b3bfca }
  .paper { fill: #14181d }
  .line { stroke: #8d9aa7 }
  .head { fill: #8d9aa7 }
  .box { fill: #252c34; stroke: #5d6a77 }
  .frame { stroke: #5d6a77 }
  .blue { fill: #1a3350; stroke: #4d8fd6 }
  .green { fill: #18382a; stroke: #46a86c }
  .amber { fill: #40310f; stroke: #c8932f }
}
"""

Point = tuple[float, float]


def width_of(text: str, kind: str) -> float:
    """The width of a text in pixels, in the font of its kind."""
    name, size = FONTS[kind]
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts/ttf" / name), size).getlength(text)


class Drawing:
    """One picture, WIDTH pixels wide."""

    def __init__(self, name: str, height: int, title: str) -> None:
        self.name = name
        self.height = height
        self.parts = [f"<title>{escape(title)}</title>"]
        self.parts.append(f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>')

    def text(
        self, x: float, y: float, text: str, kind: str = "text", anchor: str = "start"
    ) -> None:
        """One line; `y` is its baseline. kind: of `FONTS`."""
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width_of(text, kind)
        assert x - shift >= 4, f"{text!r} begins outside of the picture"
        assert x - shift + width_of(text, kind) <= WIDTH - 4, (
            f"{text!r} ends outside of the picture"
        )
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        lines: str,
        colour: str = "box",
        left: bool = False,
    ) -> None:
        """A box with lines in its middle, or at its left side; separated by |; see `KINDS`."""
        self.parts.append(
            f'<rect class="{colour}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'
        )
        separate = lines.split("|") if lines else []
        assert len(separate) * LINE <= height, f"{lines} do not fit in {height} pixels"
        top = y + (height - len(separate) * LINE) / 2 + 13
        for number, line in enumerate(separate):
            kind = KINDS.get(line[0], "text")
            text = line if kind == "text" else line[1:]
            assert width_of(text, kind) <= width - 12, f"{text!r} does not fit in {width} pixels"
            at, anchor = (x + 12, "start") if left else (x + width / 2, "middle")
            self.text(at, top + number * LINE, text, kind, anchor)

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """An empty frame."""
        self.box(x, y, width, height, "", "frame")

    def arrow(self, *points: Point, dashed: bool = False) -> None:
        """A line through points, with a head at its end."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        kind = "line dashed" if dashed else "line"
        self.parts.append(f'<path class="{kind}" d="{path}" marker-end="url(#head)"/>')

    def write(self) -> None:
        """Writes pictures/NAME.svg."""
        head = (
            '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker>'
        )
        whole = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="{WIDTH}" height="{self.height}" role="img">',
            f"<style>{STYLE}</style>",
            f"<defs>{head}</defs>",
            *self.parts,
            "</svg>",
        ]
        (HERE / "pictures" / f"{self.name}.svg").write_text("\n".join(whole) + "\n")


def draw_method() -> None:
    """The method: what is made of what, with the paper's sections and our files."""
    d = Drawing("method", 580, "The method: search, derive, train, evaluate")
    left, middle, right, wide = 40, 345, 650, 210
    d.box(left, 16, wide, 76, "*Judge|what is in an image?|`judges/")
    d.box(right, 16, wide, 76, "*Real images|`images/", "green")
    d.arrow((right, 40), (left + wide, 40))
    d.text(450, 33, "it learns from them", "label", "middle")

    d.frame(16, 118, 868, 312)
    d.text(170, 142, "1 · Search (algorithm 1)", "title")
    d.text(470, 142, "method/search.py", "code")
    controller = (
        "*Controller (3.2)|an LSTM that proposes|one cell after the other|"
        "`strategies/reinforce.py|`strategies/controller.py"
    )
    generator = (
        "*Shared generator (3.1)|every option is open;|all children share weights|"
        "`spaces/autogan/cell.py|`…/generator.py"
    )
    discriminator = (
        "*Discriminator (3.2)|made by hand;|it grows with the generator|"
        "`spaces/autogan/|`discriminator.py"
    )
    d.box(left, 164, wide, 104, controller, "blue")
    d.box(middle, 164, wide, 104, generator, "blue")
    d.box(right, 164, wide, 104, discriminator, "blue")
    d.arrow((left + wide, 200), (middle, 200))
    d.text(297, 192, "architecture", "label", "middle")
    d.arrow((middle + wide, 190), (right, 190))
    d.text(602, 182, "images", "label", "middle")
    d.arrow((right, 238), (middle + wide, 238))
    d.text(602, 256, "gradients", "label", "middle")
    d.arrow((145, 92), (145, 164))
    d.text(137, 110, "reward", "label", "end")
    d.arrow((450, 164), (450, 72), (left + wide, 72))
    d.text(350, 65, "images of a child", "label", "middle")
    d.arrow((755, 92), (755, 164))
    d.text(763, 110, "real batches", "label")

    d.text(
        left, 302, "Both networks grow from stage to stage; the best architectures (beams) go on:"
    )
    stages = ((left, "Stage 1", "1 cell, 8×8 pixels"), (middle, "Stage 2", "2 cells, 16×16 pixels"))
    for x, title, words in (*stages, (right, "Stage 3", "3 cells, 32×32 pixels")):
        d.box(x, 320, wide, 50, f"*{title}|{words}")
    for x in (left, middle):
        d.arrow((x + wide, 345), (x + 305, 345))
        d.text(x + wide + 47, 337, "5 beams", "label", "middle")
    d.text(left, 402, "Adversarial steps: gan/step.py · rewards: method/child_scoring.py", "label")
    d.text(left, 419, "dynamic reset (3.3): method/dynamic_reset.py", "label")

    d.arrow((118, 430), (118, 466))
    d.text(130, 453, "learned policy, shared weights", "label")
    last = (
        (
            16,
            "*2 · Derive (3.3)|samples of the policy;|the best are trained|`method/derive.py",
            "amber",
        ),
        (238, "*3 · Train (4)|the winner, from fresh|or shared weights|`method/train.py", "amber"),
        (460, "*4 · Evaluate (4)|scores between floor|and untrained|`method/evaluate.py", "amber"),
        (682, "*A run's folder|generator, scores,|one page that tells all|`runs/ report/", "green"),
    )
    for x, lines, colour in last:
        d.box(x, 466, 202, 94, lines, colour)
    for x in (218, 440, 662):
        d.arrow((x, 513), (x + 20, 513))
    d.write()


def draw_iteration() -> None:
    """One iteration of the search, with the methods of `Search` that do it."""
    d = Drawing("iteration", 680, "One iteration of the search")
    left, wide = 60, 470
    centre = left + wide / 2
    shared = (
        "*1 · Shared training: the controller is fixed|"
        "An architecture from the controller for every batch.|"
        "A discriminator step; after every fifth a generator step.|"
        "Every 10 steps: do the losses of a network stand still?|"
        "(deviation of the last 500 below 0.001) Then it ends early.|"
        "`Search.shared_training_step"
    )
    controller = (
        "*2 · Controller: the shared weights are fixed|"
        "Propose a child, draw 5,000 images, ask the judge.|"
        "The Inception score is the reward.|REINFORCE makes good options more likely.|"
        "`Search.controller_step"
    )
    d.box(left, 20, wide, 122, shared, "blue", left=True)
    d.box(left, 186, wide, 104, controller, "blue", left=True)
    for top, bottom, words in ((48, 114, "15 times through"), (210, 266, "30 updates")):
        d.arrow((left + wide, bottom), (572, bottom), (572, top), (left + wide, top))
        d.text(582, (top + bottom) / 2 + 4, words, "label")
    d.text(582, 101, "the images", "label")
    d.arrow((centre, 142), (centre, 186))
    d.arrow((centre, 290), (centre, 334))
    d.box(left + 85, 334, 300, 42, "Does the next stage begin?")
    growth = (
        "*3 · Growth|10 candidates are scored;|the best 5 stay: the beams.|"
        "One more cell and block,|twice the resolution; a new|"
        "controller starts at the beams|`Search.grow"
    )
    d.box(620, 300, 260, 134, growth, "green", left=True)
    d.arrow((left + 385, 355), (620, 355))
    d.text(530, 347, "yes", "label", "middle")
    d.arrow((centre, 376), (centre, 470))
    d.text(centre - 10, 416, "no", "label", "end")
    d.arrow((620, 416), (centre, 416))
    d.box(left + 85, 470, 300, 42, "Did the losses stand still in 1?")
    reset = (
        "*Dynamic reset|Fresh networks, optimisers|and loss windows. What the|"
        "controller learned stays.|`Search.reset"
    )
    d.box(620, 450, 260, 100, reset, "amber", left=True)
    d.arrow((left + 385, 491), (620, 491))
    d.text(530, 483, "yes", "label", "middle")
    d.arrow((centre, 512), (centre, 600))
    d.text(centre - 10, 552, "no", "label", "end")
    d.arrow((620, 536), (570, 536), (570, 552), (centre, 552))
    d.box(left + 85, 600, 300, 42, "The iteration ends; a state is kept")
    d.arrow((left + 85, 621), (26, 621), (26, 80), (left, 80))
    d.text(36, 664, "next iteration (90 in all)", "label")
    ranking = "*Ranking, then derive|`method/ranking.py, derive.py"
    d.box(620, 592, 260, 58, ranking, "green")
    d.arrow((left + 385, 621), (620, 621))
    d.text(532, 613, "after the last one", "label", "middle")
    d.write()


PHRASES = {
    "cli": "commands:|read, call, print",
    "api": "the same|from Python",
    "testing": "suites for|your plug-ins",
    "verify": "is a run sound?",
    "method": "what the paper|describes",
    "report": "from a folder|to a page",
    "interop": "the authors'|checkpoints",
    "bench": "plain against|fast",
    "runs": "folder, states,|drive, plan",
    "judges": "images → scores",
    "strategies": "what proposes|architectures",
    "gan": "steps, losses,|averaging",
    "spaces": "decisions and|networks",
    "nets": "shared layers",
    "images": "where images|come from",
    "settings": "typed, with|presets",
    "progress": "what a person|watches",
    "device": "where it is|computed",
    "files": "whole|or absent",
    "basics": "errors, seeds",
}
BANDS = (
    ("What a person calls", ("cli", "api", "testing", "verify")),
    ("The method, and what tells of it", ("method", "report", "interop", "bench")),
    ("What the method works with", ("runs", "judges", "strategies", "gan")),
    ("Architectures and images", ("spaces", "nets", "images")),
    ("Settings and tools", ("settings", "progress", "device", "files", "basics")),
)
SEAMS = ("strategies", "spaces", "judges", "gan", "images")


def contract() -> list[list[str]]:
    """The rooms from top to bottom; those of one inner list may not import each other."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    (layers,) = (c["layers"] for c in project["tool"]["importlinter"]["contracts"])
    return [
        [room.strip().removeprefix("autogan.") for room in layer.split("|")] for layer in layers
    ]


def draw_packages() -> None:
    """The rooms in the order of the contract: right and down are allowed, left and up are not."""
    layers = contract()
    rooms = [room for layer in layers for room in layer]
    level = {room: number for number, layer in enumerate(layers) for room in layer}
    bands = [(title, [r for r in rooms if r in band]) for title, band in BANDS]
    assert [room for _, band in bands for room in band] == rooms, (
        f"bands and contract differ: {rooms}"
    )
    d = Drawing("packages", 74 + 124 * len(bands), "The packages, and which way an import may go")
    d.text(
        20,
        30,
        "An import may go to the right and down, over any distance. Never to the left, never up.",
    )
    d.text(
        20,
        50,
        "Green: what comes next (a strategy, a space …) has its room here. A bar: these two are apart.",
        "label",
    )
    y = 72.0
    for number, (title, band) in enumerate(bands):
        d.frame(16, y, 868, 98)
        d.text(28, y + 19, title, "label")
        wide, gap = 132, 28
        x = WIDTH / 2 - (len(band) * wide + (len(band) - 1) * gap) / 2
        for place, room in enumerate(band):
            lines = "|~".join((f"*{room}", *PHRASES[room].split("|")))
            d.box(x, y + 28, wide, 60, lines, "green" if room in SEAMS else "blue")
            if place + 1 < len(band):
                if level[room] == level[band[place + 1]]:
                    d.text(x + wide + gap / 2, y + 62, "|", "title", "middle")
                else:
                    d.arrow((x + wide, y + 58), (x + wide + gap, y + 58))
            x += wide + gap
        if number + 1 < len(bands):
            d.arrow((WIDTH / 2, y + 98), (WIDTH / 2, y + 124))
        y += 124
    d.write()


def draw_run() -> None:
    """The life of a run: its parts, what each leaves in the folder, and how it survives."""
    d = Drawing("run", 700, "The life of a run")
    parts = (
        ("Begin", "settings are checked; Run.create", ("config.yaml · lock",)),
        ("Data and judge", "method/context.py", ("data.json",)),
        ("Search", "method/search.py", ("architectures.json",)),
        ("Derive", "method/derive.py", ("derive.json · candidates/", "generator.safetensors")),
        ("Train", "the winner, if not trained in full", ("generator.safetensors",)),
        ("Evaluate", "method/evaluate.py", ("results.json · samples.png", "pictures/")),
        ("End", "Run.seal", ("report.html · checksums.json",)),
    )
    d.frame(316, 16, 250, 520)
    d.text(328, 36, "The run's folder", "title")
    for number, (title, words, files) in enumerate(parts):
        y = 48 + 62 * number
        kind = "`" if "/" in words or "Run.seal" in words else "~"
        d.box(16, y, 256, 44, f"*{title}|{kind}{words}", "blue" if 1 < number < 6 else "box")
        if number:
            d.arrow((144, y - 18), (144, y))
        d.arrow((272, y + 22), (322, y + 22), dashed=True)
        for line, file in enumerate(files):
            d.text(330, y + 26 - 8 * (len(files) - 1) + 16 * line, file, "code")
    d.text(328, 486, "and all the time:", "label")
    d.text(330, 504, "checkpoints/ · log.jsonl", "code")
    d.text(330, 521, "tensorboard/ · timings.json", "code")

    d.frame(610, 16, 274, 330)
    d.text(622, 36, "drive: the one loop of long work", "title")
    d.box(626, 50, 242, 44, "*work.step()|~a batch, a scoring, an update")
    d.box(626, 118, 242, 60, "*keep the state|~at milestones, and every|~10 minutes: checkpoints/")
    d.box(
        626,
        202,
        242,
        60,
        "*asked to stop?|~Ctrl-C, SIGTERM, --time-limit:|~the state is kept, the run ends",
        "amber",
    )
    d.box(626, 286, 242, 48, "*training went wrong?|~back to the newest state", "amber")
    d.arrow((747, 94), (747, 118))
    d.arrow((747, 178), (747, 202))
    d.arrow((747, 262), (747, 286))
    d.arrow((868, 310), (877, 310), (877, 72), (868, 72))
    d.arrow((610, 148), (566, 148))
    resume = (
        "*Stopped, killed, a power cut?|~autogan status RUN says the command;|"
        "~--resume takes the newest whole|~state, cuts the log there, goes on"
    )
    d.box(610, 386, 274, 82, resume, "amber")
    d.arrow((566, 416), (610, 416), dashed=True)
    d.arrow((747, 386), (747, 346))
    readers = (
        "*Everything later reads only the folder: RunRecord (runs/record.py)|"
        "status · report · compare · leaderboard · verify|"
        "~also while the run goes on, and after it was interrupted"
    )
    d.box(160, 590, 580, 80, readers, "green")
    d.arrow((441, 536), (441, 590))
    d.write()


if __name__ == "__main__":
    draw_method()
    draw_iteration()
    draw_packages()
    draw_run()
