"""How a search and its trainings went: the log of a run as charts with captions."""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from autogan.report import charts
from autogan.report.searches import SearchView, searches_of
from autogan.runs.events import Losses, Validated
from autogan.runs.record import RunRecord
from autogan.spaces import PAIR_SPACES
from autogan.spaces.decisions import Option, option_text
from autogan.strategies.words import STRATEGIES_IN_WORDS, InWords

MOST_DOTS = 3000
SEARCHES = ("search", "discriminator")
"""Parts whose losses are those of shared networks."""
_PURPOSES = {
    "controller": "sample",
    "beam": "beam candidate",
    "derive": "final candidate",
}
_Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """SVG text with the sentence that says what to see; wide: takes the whole width of the page."""

    title: str
    svg: str
    caption: str
    wide: bool = False


def reward_name(rewards: list[float]) -> str:
    """What rewards are: Inception scores are 1 or more, negative Fréchet distances 0 or less."""
    return "Inception score" if min(rewards) > 0 else "negative Fréchet distance"


def strategy_words(record: RunRecord) -> InWords:
    """What the run's strategy does, in words; the paper's, where the settings cannot be read."""
    return STRATEGIES_IN_WORDS.get(
        record.setting("search.strategy") or "", STRATEGIES_IN_WORDS["reinforce"]
    )


def history_charts(record: RunRecord) -> list[Chart]:
    """All charts that the log has something for, in the order in which things happened."""
    first, *others = searches_of(record)
    made = [
        _rewards(record, first),
        _entropies(record, first),
        _search_losses(record, first),
        _training_losses(record),
        _augmentation(record),
        *_validations(record),
        _option_shares(record, first),
    ]
    for view in others:
        made += [
            _rewards(record, view),
            _entropies(record, view),
            _search_losses(record, view),
            _option_shares(record, view),
        ]
    return [chart for chart in made if chart is not None]


def _stage_name(record: RunRecord, stage: int) -> str:
    bottom = record.setting("network.bottom_size") or 4
    size = bottom << (stage + 1)
    return f"{size}×{size}"


def _rewards(record: RunRecord, view: SearchView) -> Chart | None:
    children = view.children
    if not children:
        return None
    numbered = list(enumerate(children, start=1))
    every = -(-len(numbered) // MOST_DOTS)
    groups: dict[str, _Points] = {}
    for purpose, words in _PURPOSES.items():
        points = [(float(n), c.reward) for n, c in numbered if c.purpose == purpose]
        if points:
            groups[words] = points[::every] if purpose == "controller" else points
    means: _Points = []
    for _, same in groupby(numbered, key=lambda pair: pair[1].iteration):
        part = list(same)
        rewards = [child.reward for _, child in part]
        means.append((sum(n for n, _ in part) / len(part), sum(rewards) / len(rewards)))
    firsts: dict[int, int] = {}
    for number, child in numbered:
        firsts.setdefault(child.stage, number)
    boundaries = [(n - 0.5, _stage_name(record, stage)) for stage, n in firsts.items()]
    resets = [
        max((n for n, c in numbered if c.iteration <= r.iteration), default=0) + 0.5
        for r in view.resets
    ]
    svg = charts.scatter(
        f"{view.key}rewards", groups, means, "iteration's mean",
        ("child, in the order of scoring", reward_name([c.reward for c in children])), boundaries, resets,
    )  # fmt: skip
    best = max(children, key=lambda child: child.reward)
    shown = "" if every == 1 else f" (one dot in {every} is drawn)"
    caption = (
        f"Each dot is one of {len(children):,} architectures scored with the shared weights{shown}; "
        f"the best reached {best.reward:.3f}. A line that rises within a stage is "
        f"{_what_rises(record)}."
    )
    if best.architecture.space in PAIR_SPACES:
        caption += (
            " Each is a generator with its discriminator: the two played on for a few steps before the "
            "generator's images were scored, and then all was put back."
        )
    return Chart(view.title("Reward of every child"), svg, caption)


def _what_rises(record: RunRecord) -> str:
    learner = strategy_words(record).learner
    better = "shared weights that get better"
    learn = "learn" if learner == "logits" else "learns"
    return f"{learner} that {learn}, or {better}" if learner else better


def _entropies(record: RunRecord, view: SearchView) -> Chart | None:
    steps = view.updates
    firsts: dict[int, int] = {}
    for number, step in enumerate(steps, start=1):
        firsts.setdefault(view.stage_of(step.iteration), number)
    series: dict[str, _Points] = {}
    for number, step in enumerate(steps, start=1):
        stage = view.stage_of(step.iteration)
        for decision in view.space(stage + 1).at_stage(stage):
            entropy = step.metrics.get(f"entropy/{decision.name}")
            if entropy is not None and view.is_open(decision):
                points = series.setdefault(decision.name, [])
                if number == firsts[stage]:
                    points.append((number - 0.5, math.nan))  # a new controller, a new line
                points.append((float(number), entropy / math.log(len(decision.options))))
    if not series:
        return None
    update, undecided, anew = _who_decides(record)
    svg = charts.curves(
        f"{view.key}entropies", series, (update, "entropy, share of the largest"),
        [(n - 0.5, _stage_name(record, stage)) for stage, n in firsts.items()],
        limits=(0, 1.03),
    )  # fmt: skip
    caption = (
        f"How undecided {undecided} on each question: 1 is a free choice among all options, "
        f"0 a choice that is made. {anew}"
    )
    return Chart(view.title("Entropy of each decision"), svg, caption)


def _who_decides(record: RunRecord) -> tuple[str, str, str]:
    """What an update is of, who is undecided, and what begins with a stage."""
    if record.setting("search.strategy") == "gradient":
        return "step of learning", "the logits are", "Every stage begins with equal logits."
    return "controller update", "the controller is", "Every stage has a new controller."


def _search_losses(record: RunRecord, view: SearchView) -> Chart | None:
    if not view.losses:
        return None
    ends = {line.iteration: line.steps for line in view.ended}
    starts = {0: 0.0}
    for grow in view.grown:
        if grow.iteration in ends:
            starts[grow.stage] = ends[grow.iteration]
    resets = [ends[r.iteration] for r in view.resets if r.iteration in ends]
    svg = charts.curves(
        f"{view.part}-losses", _loss_series(view.losses),
        ("discriminator step", f"{_loss_name(record, 'search')} loss"),
        [(step, _stage_name(record, stage)) for stage, step in starts.items()], resets,
    )  # fmt: skip
    caption = (
        "Losses of the shared networks. Two flat lines would mean that the game has ended; "
        f"{_resets_words(record, len(view.resets))}."
    )
    return Chart(view.title("Losses of the search"), svg, caption)


def _resets_words(record: RunRecord, count: int) -> str:
    if record.setting("search.reset.threshold") == 0:
        return "dynamic resets were switched off"
    if not count:
        return "no dynamic reset was needed"
    return "there was one dynamic reset" if count == 1 else f"there were {count} dynamic resets"


def _training_losses(record: RunRecord) -> Chart | None:
    """Of the full training or, where there is none, of the last candidate's."""
    parts = [line.part for line in record.of(Losses) if line.part not in SEARCHES]
    if not parts:
        return None
    part = "train" if "train" in parts else parts[-1]
    svg = charts.curves(
        "training-losses",
        _loss_series(_losses(record, part)),
        ("generator step", f"{_loss_name(record, 'train')} loss"),
    )
    trained = f"{_part_name(part)} was trained {record.start_words}"
    return Chart("Losses of the training", svg, f"Losses while {trained}.")


def _loss_name(record: RunRecord, section: str) -> str:
    return record.setting(f"{section}.objective.loss") or "hinge"


def _augmentation(record: RunRecord) -> Chart | None:
    """The probability of the last part that adapts one."""
    lines = [line for line in record.of(Losses) if line.augmentation_probability is not None]
    if not lines:
        return None
    part = lines[-1].part
    points = [
        (float(line.step), line.augmentation_probability)
        for line in lines
        if line.part == part and line.augmentation_probability is not None
    ]
    step = "discriminator step" if part in SEARCHES else "generator step"
    svg = charts.curves(
        "augmentation", {"probability": points}, (step, "probability of a change"), limits=(0, 1.03)
    )
    where = "in the search" if part in SEARCHES else f"while {_part_name(part)} was trained"
    caption = (
        f"How probable each change of an image was {where}. It rises while the discriminator knows "
        "too many real images by heart."
    )
    return Chart("Adaptive augmentation", svg, caption)


def _losses(record: RunRecord, part: str) -> list[Losses]:
    return [line for line in record.of(Losses) if line.part == part]


def _loss_series(losses: list[Losses]) -> dict[str, _Points]:
    return {
        "generator": [(line.step, line.generator_loss) for line in losses],
        "discriminator": [(line.step, line.discriminator_loss) for line in losses],
    }


def _validations(record: RunRecord) -> list[Chart]:
    made = []
    validations = record.of(Validated)
    metrics = (
        ("frechet_distance", "Fréchet distance", "Lower is better"),
        ("inception_score", "Inception score", "Higher is better"),
    )
    for metric, words, better in metrics:
        series: dict[str, _Points] = {}
        for line in validations:
            value = getattr(line.validation, metric)
            if value is not None:
                point = (line.validation.generator_steps, value)
                series.setdefault(_part_name(line.part), []).append(point)
        if series:
            svg = charts.curves(
                f"validation-{metric.replace('_', '-')}",
                series,
                ("generator step", words),
                markers=True,
            )
            caption = (
                f"{better}. Measured on latents that the final scores do not use; the best state of "
                "each training is the one that is kept."
            )
            made.append(Chart(f"{words} while training", svg, caption))
    return made


def _part_name(part: str) -> str:
    if part.startswith("candidate-"):
        return f"candidate {int(part.removeprefix('candidate-')) + 1}"
    return "the winner" if part == "train" else part


def _option_shares(record: RunRecord, view: SearchView) -> Chart | None:
    sampled = [
        (child.iteration, child.architecture.taken[-1], child.stage)
        for child in view.children
        if child.purpose == "controller"
    ]
    if not sampled:
        return None
    iterations = sorted({iteration for iteration, _, _ in sampled})
    totals = Counter(iteration for iteration, _, _ in sampled)
    stage_of = {iteration: stage for iteration, _, stage in sampled}
    space = view.space(1 + max(stage_of.values()))
    taken: Counter[tuple[int, str, Option]] = Counter()
    for iteration, options, stage in sampled:
        for decision, option in zip(space.at_stage(stage), options, strict=True):
            taken.update((iteration, decision.name, part) for part in _parts(option))
    # By decision: what each share is of, and the stages at which it can be taken.
    possible: dict[str, dict[Option, set[int]]] = {}
    for stage in range(space.stages):
        for decision in filter(view.is_open, space.at_stage(stage)):
            parts = possible.setdefault(decision.name, {})
            for part in (part for option in decision.options for part in _parts(option)):
                parts.setdefault(part, set()).add(stage)
    panels = {
        name: {
            option_text(part): [
                taken[i, name, part] / totals[i] if stage_of[i] in stages else math.nan
                for i in iterations
            ]
            for part, stages in parts.items()
        }
        for name, parts in possible.items()
    }
    exclusive = [d.name for d in space.decisions if not isinstance(d.options[0], tuple)]
    starts = {stage: iteration for iteration, _, stage in reversed(sampled)}
    svg = charts.shares(
        f"{view.key}shares",
        {title.capitalize(): options for title, options in panels.items()},
        [iteration + 1 for iteration in iterations],
        [(i + 0.5, _stage_name(record, stage)) for stage, i in starts.items() if stage],
        frozenset(name.capitalize() for name in exclusive),
    )
    if strategy_words(record) is STRATEGIES_IN_WORDS["reinforce"]:
        liked, begins = (
            "What the controller came to like",
            "a new controller begins with no opinion",
        )
    else:
        liked, begins = "What the strategy proposed", "another cell is decided"
    caption = (
        f"{liked}: the share of its samples that take each option for the "
        "newest cell, iteration by iteration. A dark line is a stage boundary, where "
        f"{begins}."
    )
    return Chart(view.title("Share of each option"), svg, caption, wide=True)


def _parts(option: Option) -> list[Option]:
    """The option itself; of a set, each of its members, since they do not exclude each other."""
    return [(member,) for member in option] if isinstance(option, tuple) else [option]
