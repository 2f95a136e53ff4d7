"""The page of a run in every state: whole in itself, escaped, and plain about what is missing."""

import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from autogan.basics.errors import UserError
from autogan.basics.version import RESULTS_SCHEMA
from autogan.cli import main
from autogan.method.pipeline import part_of
from autogan.report.history import history_charts
from autogan.report.live import LiveReport
from autogan.report.page import report_page, write_report
from autogan.report.quality import classes_of, in_words, published, score_bars
from autogan.report.repeat import repeat_command
from autogan.runs.contents import Results
from autogan.runs.folder import Run
from autogan.runs.outcomes import from_plain
from autogan.runs.record import read_record
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.strategies import STRATEGIES
from autogan.strategies.words import STRATEGIES_IN_WORDS

WINNER = "pre-batch-nearest+shortcut/post-instance-deconvolution+skip0"  # of the fixture's run
MakeRun = Callable[..., Path]
SECTIONS = ["images", "quality", "found", "search", "training", "cost"]
WITHOUT_SCORES = ["found", "search", "training", "quality", "cost"]


class Page(HTMLParser):
    """What a browser would make of the page: its elements, its text, what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self._silent += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag == "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data

    @property
    def sections(self) -> list[str | None]:
        return [a["id"] for tag, a in self.elements if tag == "section" and "id" in a]

    @property
    def loads(self) -> list[str]:
        """Every address that is fetched without a click."""
        found = [a.get("src") for tag, a in self.elements]
        found += [a.get("href") for tag, a in self.elements if tag == "link"]
        return [address for address in found if address is not None]


def page_of(folder: Path) -> Page:
    return Page(report_page(read_record(folder)))


def words(page: Page) -> str:
    return " ".join(page.text.split())


def test_a_finished_run_has_everything(make_run: MakeRun) -> None:
    folder = make_run()
    html = report_page(read_record(folder))
    page = Page(html)
    assert page.sections == SECTIONS
    tags = [tag for tag, _ in page.elements]
    assert tags.count("img") == 4 and tags.count("script") == 0
    charts = [a for tag, a in page.elements if tag == "svg" and a.get("class") == "chart"]
    assert len(charts) == 7
    assert tags.count("figcaption") == tags.count("figure")
    for shown in (
        WINNER, "1 1 1 1 0 2 2 0 1", "123,456", "7,654,321", "domain-12345678", "600 generated",
        "against 1,800 training images", "200 other real images", "98.7 %", "1:05 min", "512 MiB",
        "dynamic reset", "winner", "stage_weights", "Hardly ever generated", "3.25", "1.75",
        "--set seed=5",
    ):  # fmt: skip
        assert shown in words(page), shown
    assert html.count('class="notice"') == 1 and "Classes are missing: square." in words(page)


def test_a_training_at_a_standstill_is_a_warning(make_run: MakeRun) -> None:
    folder = make_run()
    assert "said the same of every image" not in words(page_of(folder))
    with (folder / "log.jsonl").open("a") as log:
        for step in range(1000, 1500, 100):
            same = {"discriminator_loss": 2.0, "generator_loss": 0.0}
            line = {"event": "losses", "seconds": 1.0, "part": "train", "step": step, **same}
            log.write(json.dumps(line) + "\n")
    assert "said the same of every image since step 1,000 or before" in words(page_of(folder))


def test_the_page_is_whole_in_itself(make_run: MakeRun) -> None:
    html = report_page(read_record(make_run()))
    page = Page(html)
    assert all(address.startswith("data:") for address in page.loads) and len(page.loads) == 5
    assert "@import" not in html and "url(http" not in html
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    outside = [link for link in links if not str(link).startswith("#")]
    assert outside == ["https://arxiv.org/abs/1908.03835"]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    references = [a.get("xlink:href") for _, a in page.elements if "xlink:href" in a]
    assert references and {str(r)[1:] for r in references} <= set(ids)


def test_every_name_from_outside_is_escaped(make_run: MakeRun, results: dict[str, Any]) -> None:
    evil = "<script>alert(1)</script>"
    content = results
    content["data"]["name"] = f"folder:{evil}"
    content["judge"]["class_names"] = [evil, '"><img src=x onerror=alert(2)>', "square"]
    content["judge"]["name"] = evil
    source = f"data.source={json.dumps('folder:' + evil)}"
    folder = make_run(name="<b>run & co", content=content, overrides=(source,))
    page = page_of(folder)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 0 and tags.count("img") == 4 and "b" not in tags
    assert not any("onerror" in a for _, a in page.elements)
    for shown in (evil, "<b>run & co", '"><img src=x onerror=alert(2)>', f"folder:{evil}"):
        assert shown in page.text
    assert page.sections == SECTIONS


def test_a_name_does_not_turn_the_rest_of_its_line_round(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    results["judge"]["class_names"] = ["\u202eraep", "b", "square"]
    html = report_page(read_record(make_run(content=results)))
    assert "\u202e" not in html and "\\u202eraep" in html


@pytest.mark.parametrize(
    ("until", "task", "sentences"),
    [
        ("begun", "run", ["Nothing has been scored yet", "0 of 4 iterations", "no scores yet"]),
        ("searching", "run", ["best of the 4 children", "2 of 4 iterations", "No stage has ended"]),
        ("searched", "run", ["4 of 4 iterations", "autogan run --resume", "Beams, stage by stage"]),
        ("searched", "search", ["The search has ended", "autogan derive"]),
    ],
)
def test_a_run_on_its_way_says_what_is_missing(
    make_run: MakeRun, until: str, task: Any, sentences: list[str]
) -> None:
    page = page_of(make_run(until=until, task=Task(task)))
    assert page.sections == WITHOUT_SCORES
    for sentence in sentences:
        assert sentence in words(page)


def test_a_run_that_only_trains_says_so(make_run: MakeRun) -> None:
    folder = make_run(until="begun", task=Task("train", WINNER))
    (folder / "log.jsonl").write_text(
        '{"event": "validation", "part": "train", "generator_steps": 10, "inception_score": 1.5, '
        '"frechet_distance": 9.5}\n{"event": "vali'
    )
    page = page_of(folder)
    assert "there was no search" in words(page) and "10 of 50000 generator steps" in words(page)
    assert f"--arch {WINNER}" in words(page)
    assert sum("data-skip" in a for _, a in page.elements) == 1
    assert "damaged" not in words(page)  # the last line is only being written


def test_a_derivation_on_its_way_says_how_to_go_on(make_run: MakeRun) -> None:
    folder = make_run(until="searched", task=Task("search"))
    child = {"architecture": WINNER, "stage": 1, "iteration": 3, "purpose": "derive"}
    ranking = [{**child, "reward": reward, "seconds": 0.1} for reward in (2.0, 1.0)]
    for trained, command in ((1, True), (2, False)):
        failed = {"architecture": WINNER, "shared_reward": 2.0, "reason": "went wrong"}
        done = {"ranking": ranking, "candidates": [], "failed": [failed] * trained}
        (folder / "derive.json").write_text(json.dumps(done))
        page = words(page_of(folder))
        assert ("autogan derive" in page) == command
        assert ("Searched and derived" in page) != command


def test_a_run_of_a_newer_version_shows_what_is_understood(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    folder = make_run(content={**results, "schema": RESULTS_SCHEMA + 1})
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["settings"]["search"]["telepathy"] = "<em>on"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"event": "telepathy"}\n')
        log.write('{"event": "child", "architecture": "pre-group-nearest", "stage": 0, ')
        log.write('"iteration": 0, "purpose": "controller", "reward": 9.0}\n')
    page = page_of(folder)
    text = words(page)
    assert page.sections == ["images", *(s for s in WITHOUT_SCORES if s != "training")]
    assert f"schema {RESULTS_SCHEMA + 1}" in text and "scores are left out" in text
    assert "does not know some settings of the run: search.telepathy" in text
    assert "2 of the" in text and "of a kind that this version does not know" in text
    assert "<em>on" in page.text and "em" not in [tag for tag, _ in page.elements]
    assert "repeats it: settings are in" in text
    assert "cannot read the scores" in text and "has not ended" not in text


def test_damaged_files_are_named(make_run: MakeRun) -> None:
    folder = make_run()
    (folder / "results.json").write_text('{"schema": 1,')
    (folder / "derive.json").write_text("[]")
    text = words(page_of(folder))
    assert "results.json cannot be read" in text and "derive.json does not hold" in text


def test_what_is_no_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.yaml").write_text("settings: [")
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "config.yaml").write_text("- 1")
    for name, message in (
        ("none", "no config.yaml"),
        ("bad", "not valid YAML"),
        ("list", "no set"),
    ):
        with pytest.raises(UserError, match=message):
            read_record(tmp_path / name)
        for command in ("report", "compare"):
            monkeypatch.setattr("sys.argv", ["autogan", command, str(tmp_path / name)])
            with pytest.raises(SystemExit) as ended:
                main()
            assert ended.value.code == 2
            assert str(tmp_path / name) in capsys.readouterr().err.replace("\n", "")


def test_the_live_report_warns_and_never_ends_a_run(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    live = LiveReport(make_run(until="searching"))
    live.refresh()
    assert not (tmp_path / "run" / "report.html").exists()  # the run is younger than ten seconds
    live.draw()
    drawn = (tmp_path / "run" / "report.html").stat().st_mtime_ns
    live.refresh()
    assert (tmp_path / "run" / "report.html").stat().st_mtime_ns == drawn

    def fail(folder: Path) -> Path:
        raise RuntimeError("no ink")

    monkeypatch.setattr("autogan.report.live.write_report", fail)
    with pytest.warns(UserWarning, match="no ink"):
        live.draw()


def test_a_run_redraws_its_page_after_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autogan.report.live.FIRST_AFTER_SECONDS", 0.0)
    run = Run.create(tmp_path / "run", load_settings())
    with part_of(run, "search"):
        assert not (run.folder / "report.html").exists()
        run.checkpoints.save("search", {"iteration": 1})
        assert (run.folder / "report.html").exists()
    run.close()
    assert set(json.loads((run.folder / "timings.json").read_text())) == {"search"}


def test_drawing_again_replaces_the_page(make_run: MakeRun) -> None:
    folder = make_run(until="searching")
    before = write_report(folder).read_text()
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"event": "reset", "iteration": 1, "stage": 0}\n')
    assert "there were 2 dynamic resets" in write_report(folder).read_text()
    assert "there was one dynamic reset" in before


@pytest.mark.parametrize("preset", ["demo", "cifar10", None])
def test_the_command_repeats_the_settings(make_run: MakeRun, preset: str | None) -> None:
    changes = ["learning_rate=1e-06", "betas=[0.1,0.9]"]
    overrides = [f"train.{change}" for change in changes] + ["data.source='folder:my 🐈 cats'"]
    folder = make_run(until="begun")
    wanted = load_settings(preset, overrides=overrides)
    described = {"settings": wanted.model_dump(mode="json")}
    (folder / "config.yaml").write_text(yaml.safe_dump(described))
    command = repeat_command(read_record(folder))
    assert command is not None
    program, name, *rest = shlex.split(command)
    assert (program, name, rest[-2:]) == ("autogan", "run", ["--out", "NEW_FOLDER"])
    options = dict.fromkeys(rest[::2])
    given = [
        value for option, value in zip(rest[::2], rest[1::2], strict=True) if option == "--set"
    ]
    assert set(options) <= {"--preset", "--set", "--out"} and len(given) == 3
    assert load_settings(rest[1] if rest[0] == "--preset" else None, overrides=given) == wanted


def test_scores_stand_between_their_ends(results: dict[str, Any]) -> None:
    content = results
    content["scores"]["recall"] = None
    content["floor"]["precision"] = content["untrained"]["precision"] = 0.5
    content["scores"]["kernel_distance"] = 7.5
    content["as_few"]["kernel_distance"] = 7.5
    bars = {bar.name: bar for bar in score_bars(from_plain(Results, content))}
    assert bars["Fréchet distance"].place == pytest.approx(100 * 48 / 59.5)
    assert (bars["Fréchet distance"].value, bars["Fréchet distance"].as_few) == ("10", "12")
    assert bars["Kernel distance"].place == 0 and bars["Kernel distance"].note
    assert bars["Precision"].place is None and "Recall" not in bars
    content["as_few"] = None  # the real images are no fewer, or nobody looked
    bars = {bar.name: bar for bar in score_bars(from_plain(Results, content))}
    assert bars["Fréchet distance"].place == pytest.approx(100 * 50 / 59.5)
    assert bars["Fréchet distance"].as_few == ""


def test_the_page_shows_scores_of_as_few_images_as_the_real_ones(make_run: MakeRun) -> None:
    assert "12 with 200 images" in words(page_of(make_run()))


def test_where_real_images_are_no_better_than_untrained_ones_no_place_is_claimed(
    results: dict[str, Any],
) -> None:
    results["untrained"]["frechet_distance"], results["floor"]["frechet_distance"] = 5.0, 10.0
    found = from_plain(Results, results)
    bars = score_bars(found)
    (distance,) = [bar for bar in bars if bar.key == "frechet_distance"]
    assert distance.place is None and "tells nothing" in distance.note
    assert not any("of the way" in sentence for sentence in in_words(found, bars))


@pytest.mark.parametrize(
    ("key", "value", "untrained", "floor", "note"),
    [
        ("inception_score", 5.48, 1.2, 5.34, "Better than the real images?"),
        ("inception_score", 5.2, 1.2, 5.34, ""),
        ("inception_score", 1.1, 1.2, 5.34, "worse than those of an untrained generator"),
        ("inception_score", 5.4, 1.2, 1.2, "tells nothing"),
        ("frechet_distance", 1.0, 60.0, 2.0, "Better than the real images?"),
        ("frechet_distance", 70.0, 60.0, 2.0, "worse than those of an untrained generator"),
        ("kernel_distance", 1.0, 60.0, -0.42, "around zero, and so single values lie below"),
        ("kernel_distance", -0.1, 60.0, 0.2, "around zero, and so single values lie below"),
        ("kernel_distance", 13.1, 16.8, 21.9, "tells nothing"),
    ],
)
def test_what_looks_like_a_mistake_is_explained_beside_its_score(
    make_run: MakeRun, results: dict[str, Any],
    key: str, value: float, untrained: float, floor: float, note: str,
) -> None:  # fmt: skip
    for part, number in (("as_few", value), ("untrained", untrained), ("floor", floor)):
        results[part][key] = number
    if key == "kernel_distance":  # the note is about the score that is shown
        results["scores"][key] = value
    bars = score_bars(from_plain(Results, results))
    assert [bool(bar.note) for bar in bars if bar.key not in (key, "precision", "recall")] == [
        False,
        False,
    ]
    (found,) = [bar for bar in bars if bar.key == key]
    assert note in found.note and bool(note) == bool(found.note)
    page = words(page_of(make_run(content=results)))
    assert found.note in page and found.range in page


def test_a_missing_class_is_named_and_many_classes_are_cut(results: dict[str, Any]) -> None:
    content = results
    classes = classes_of(from_plain(Results, content))
    assert classes is not None and classes.missing == ["square"]
    count = 100
    content["judge"]["class_names"] = [f"c{n}" for n in range(count)]
    content["floor"]["class_shares"] = [1 / count] * count
    content["scores"]["class_shares"] = [0.0, *[1 / count] * (count - 2), 2 / count]
    classes = classes_of(from_plain(Results, content))
    assert classes is not None and classes.count == count and len(classes.shown) == 40
    assert {classes.shown[0].name, classes.shown[1].name} == {"c0", "c99"}
    content["scores"]["class_shares"] = []
    assert classes_of(from_plain(Results, content)) is None


def kinds(missing: int, names: tuple[str, ...] = ("circle", "cross", "<b>")) -> dict[str, Any]:
    """The content of results.json about 20 kinds of images, the first so many of them missing."""
    return {
        "modes": [
            {
                "class_name": names[place % len(names)],
                "generated": 0.0012 if place < missing else 0.05,
                "real": 0.123 - place / 1000,
                "missing": place < missing,
                "examples": [place],
            }
            for place in range(20)
        ],
        "clustered_images": 1800,
        "generated_images": 600,
        "held_out_images": 200,
    }


def test_kinds_that_are_hardly_ever_generated_are_shown(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    results["modes"] = kinds(missing=14)
    folder = make_run(content=results)
    (folder / "pictures" / "missing").mkdir()
    for place in range(12):
        shutil.copyfile(folder / "samples.png", folder / f"pictures/missing/{place}.png")
    page = page_of(folder)
    assert page.sections == ["images", "missing", *SECTIONS[1:]]
    tags = [tag for tag, _ in page.elements]
    assert tags.count("img") == 4 + 12 and "b" not in tags and "<b>" in page.text
    for shown in (
        "14 of the 20 kinds of images found inside the classes are hardly ever generated.",
        "12.3 % of the real ones, 0.1 % of the generated ones", "Not pictured: 2 more.",
        "These 14 are hardly ever generated", "inside each class", "200 held-out real",
    ):  # fmt: skip
        assert shown in words(page), shown
    (folder / "pictures" / "missing" / "0.png").unlink()
    assert "Not pictured: 3 more." in words(page_of(folder))


@pytest.mark.parametrize(
    ("classes", "missing", "sentence"),
    [
        (
            "all", 5,
            "Each of the 3 classes is generated, but 5 of the 20 kinds of images found inside them are "
            "hardly ever generated.",
        ),
        (
            "all", 1,
            "Each of the 3 classes is generated, but 1 of the 20 kinds of images found inside them is "
            "hardly ever generated.",
        ),
        (
            "all", 0,
            "Each of the 3 classes is generated, and none of the 20 kinds of images found inside them "
            "is missing.",
        ),
        ("all", None, "Each of the 3 classes is generated."),
        ("some", 0, "None of the 20 kinds of images found inside the classes is missing."),
        ("some", None, "Hardly ever generated: square."),
        ("none", 2, "2 of the 20 kinds of images that the judge tells apart are hardly ever generated."),
    ],
)  # fmt: skip
def test_the_first_words_say_which_kinds_are_made(
    results: dict[str, Any], classes: str, missing: int | None, sentence: str
) -> None:
    if classes == "all":
        results["scores"]["class_shares"] = [0.3, 0.3, 0.4]
    elif classes == "none":
        results["scores"]["class_shares"] = []
    if missing is not None:
        results["modes"] = kinds(missing)
    assert in_words(from_plain(Results, results), [])[-1] == sentence


def of_classes(names: Sequence[str]) -> dict[str, Any]:
    """The scores by class in results.json; the last one has too few images for a distance."""
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "images": 200,
            "real_images": 600,
            "agreement": 0.9 - place / 10,
            "real_agreement": 0.987,
            "frechet_distance": 12.5,
            "reason": "",
        }
        for place, name in enumerate(names)
    ]
    rows[-1] |= {"frechet_distance": None, "reason": "a distance needs more"}
    return {"classes": rows, "agreement": 0.8123, "real_agreement": 0.987, "reason": ""}


def test_each_class_that_can_be_asked_for_has_a_row(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    results["by_class"] = of_classes(("circle", "<b>cross</b>", "square"))
    results["classes"] = {"names": ["circle", "cross", "square"], "shares": [0.3, 0.3, 0.4]}
    folder = make_run(content=results)
    (folder / "pictures" / "classes").mkdir()
    for label in range(2):
        shutil.copyfile(folder / "samples.png", folder / f"pictures/classes/{label}.png")
    page = page_of(folder)
    assert page.sections == ["images", "classes", *SECTIONS[1:]]
    tags = [tag for tag, _ in page.elements]
    assert tags.count("img") == 4 + 2 and "<b>cross</b>" in page.text
    for shown in (
        "makes an image that the judge puts into that class 81 % of the time.",
        "puts 81.2 % of its images into the class that was asked for",
        "98.7 % of held-out real images", "90.0 %", "12.5", "a distance needs more",
    ):  # fmt: skip
        assert shown in words(page), shown
    results["by_class"] |= {"agreement": None, "reason": "the judge x does not know these classes"}
    shown = words(page_of(make_run("other", content=results)))
    assert "not known: the judge x does not know these classes." in shown


def test_without_missing_kinds_there_is_no_section_of_them(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    results["modes"] = kinds(missing=0)
    assert page_of(make_run(content=results)).sections == SECTIONS


def test_without_classes_kinds_are_of_all_images(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    results["modes"] = kinds(missing=1, names=("",))
    results["scores"]["class_shares"] = []
    page = words(page_of(make_run(content=results)))
    assert "This one is hardly ever generated" in page and "inside each class" not in page


def test_published_figures_stand_beside_a_run_only_under_their_protocol(
    make_run: MakeRun, results: dict[str, Any]
) -> None:
    assert "its judge is domain-12345678" in words(page_of(make_run()))
    results["judge"]["name"] = "inception-2015"
    results["data"]["name"], results["image_size"] = "CIFAR-10", 32
    results["protocol"] |= {"name": "autogan-paper", "statistics": "computed"}
    shown = published(from_plain(Results, results), "mine")
    systems = [row.system for row, _ in shown.rows]
    assert systems == ["mine", "AutoGAN top 1", "AutoGAN top 2", "AutoGAN top 3"]
    assert [own for _, own in shown.rows] == [True, False, False, False]
    results["protocol"]["name"] = "custom"
    assert not published(from_plain(Results, results), "mine").rows


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_strategy_is_named_and_explained(make_run: MakeRun, name: str) -> None:
    """And only the paper's speaks of controllers."""
    record = read_record(make_run(overrides=(f"search.strategy={name}",)))
    text = " ".join(Page(report_page(record)).text.split())
    words = STRATEGIES_IN_WORDS[name]
    assert f"Cell by cell: {words.proposes}, children are" in text
    assert f"Strategy {name}: {words.sentence}" in text
    captions = [chart.caption for chart in history_charts(record)]
    spoken = " ".join([words.proposes, *(c for c in captions if not c.startswith("How undecided"))])
    assert ("controller" in spoken) == (name == "reinforce")
    undecided = next(c for c in captions if c.startswith("How undecided"))
    assert ("logits" in undecided) == (name == "gradient")


def test_without_entropies_there_is_no_chart_of_them(make_run: MakeRun) -> None:
    """Only reinforce and gradient write them."""
    folder = make_run(overrides=("search.strategy=tpe",))
    log = folder / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    plain = [{k: v for k, v in line.items() if "entropy" not in k} for line in lines]
    log.write_text("".join(json.dumps(line) + "\n" for line in plain), "utf-8")
    titles = [chart.title for chart in history_charts(read_record(folder))]
    assert "Reward of every child" in titles and "Entropy of each decision" not in titles
