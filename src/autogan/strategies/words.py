"""Every strategy in a sentence, for reports and for the state of a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InWords:
    """A strategy for people who do not know it.

    proposes: who does what, to be read after "Cell by cell:". sentence: how it works. learner: what
    learns, if anything does.
    """

    proposes: str
    sentence: str
    learner: str | None


STRATEGIES_IN_WORDS = {
    "reinforce": InWords(
        "a controller proposes",
        "An LSTM answers one decision after the other, and learns from rewards which answers are good "
        "(the paper's method).",
        "a controller",
    ),
    "random": InWords(
        "architectures are drawn at random",
        "All architectures that extend a beam are equally probable; nothing is learned from rewards.",
        None,
    ),
    "evolution": InWords(
        "good recent architectures have changed copies",
        "The best of a few recent architectures is copied with one decision changed; the oldest die "
        "(regularised evolution).",
        "a population",
    ),
    "local-search": InWords(
        "neighbours of the best are tried",
        "All neighbours of the best so far, one decision away, are tried; where none is better, it begins "
        "again elsewhere.",
        "a climb",
    ),
    "tpe": InWords(
        "options of good architectures are proposed more often",
        "Two densities are estimated, of good and of other architectures, and what is more probable among "
        "the good is proposed (TPE of Optuna).",
        "a model",
    ),
    "gp": InWords(
        "a model of the reward proposes",
        "A Gaussian process predicts rewards with their uncertainty, and what promises the largest "
        "improvement is proposed (GP of Optuna).",
        "a model",
    ),
    "nsga2": InWords(
        "generations of architectures are crossed",
        "The best of a generation are crossed and changed to make the next one (NSGA-II of Optuna).",
        "a population",
    ),
    "gradient": InWords(
        "paths are sampled from logits",
        "A logit for each option learns from the gradient of the generator's own loss through sampled paths, "
        "not from the reward; rewards decide what is kept.",
        "logits",
    ),
}
