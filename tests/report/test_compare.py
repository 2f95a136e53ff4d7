"""Runs side by side: scores that do not compare never stand in one table."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from autogan.cli import main
from autogan.report.compare import compare, comparison_page


def with_score(results: dict[str, Any], frechet_distance: float, **judge: str) -> dict[str, Any]:
    scores = {**results["scores"], "frechet_distance": frechet_distance}
    return {**results, "scores": scores, "judge": {**results["judge"], **judge}}


@pytest.fixture
def runs(make_run: Any, results: dict[str, Any]) -> list[Path]:
    """Two runs that compare, one of another judge, one without scores."""
    return [
        make_run(name="first", content=with_score(results, 12.5)),
        make_run(name="second", content=with_score(results, 7.25)),
        make_run(name="third", content=with_score(results, 1.5, name="domain-<other>")),
        make_run(name="fourth", until="searching"),
    ]


def run_cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[object, str]:
    monkeypatch.setattr("sys.argv", ["autogan", "compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0, capsys.readouterr().out


def test_runs_are_grouped_by_what_makes_scores_compare(runs: list[Path]) -> None:
    comparison = compare(runs)
    assert [[c.title for c in g.columns] for g in comparison.groups] == [
        ["first", "second"],
        ["third"],
    ]
    assert [c.title for c in comparison.without_scores] == ["fourth"]
    assert "same judge" in comparison.caution and compare(runs[:2]).caution == ""
    name, values, best = comparison.groups[0].rows()[0]
    assert name == "Fréchet distance (lower is better)"
    assert values == ["12.5", "7.25"] and best == [False, True]


@pytest.mark.parametrize("change", ["data", "images", "protocol"])
def test_other_data_or_protocols_make_another_group(
    make_run: Any, results: dict[str, Any], change: str
) -> None:
    other = json.loads(json.dumps(results))
    if change == "data":
        other["data"]["digest"] = "1" * 64
    elif change == "images":
        other["scores"]["images"] = 5000
    else:
        other["protocol"]["real"] = "held-out"
    folders = [make_run(name="a"), make_run(name="b", content=other)]
    assert len(compare(folders).groups) == 2


def test_the_table_and_json_of_the_command(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run_cli(monkeypatch, capsys, *runs, "--json")
    found = json.loads(out)
    assert code == 0 and len(found["groups"]) == 2
    assert [r["scores"]["frechet_distance"] for r in found["groups"][0]["runs"]] == [12.5, 7.25]
    assert found["without_scores"] == [str(runs[3])]
    code, out = run_cli(monkeypatch, capsys, *runs)
    assert code == 0 and out.count("judge domain-") == 2 and "12.5" in out


def test_the_page_has_a_section_for_each_group_and_loads_nothing(
    runs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "both.html"
    assert run_cli(monkeypatch, capsys, *runs, "--out", page)[0] == 0
    assert run_cli(monkeypatch, capsys, *runs, "--out", page)[0] == 2
    sections, sources = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found = dict(attributes)
            sections.extend([found["id"]] if tag == "section" else [])
            sources.extend([found["src"]] if "src" in found else [])
            assert tag not in ("script", "other")

    Reader().feed(page.read_text())
    assert sections == ["group-1", "group-2", "without-scores"]
    assert len(sources) == 3 and all(str(s).startswith("data:") for s in sources)
    assert page.read_text().count('class="autogan-diagram"') == 3


def test_runs_of_one_name_are_told_apart(make_run: Any, tmp_path: Path) -> None:
    folders = [make_run(name="a/run"), make_run(name="b/run")]
    assert [c.title for c in compare(folders).groups[0].columns] == [str(f) for f in folders]
    assert str(tmp_path / "a" / "run") in comparison_page(compare(folders))
