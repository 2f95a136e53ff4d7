"""Scores and times as people read them, in the terminal and on the page."""

from typing import Any
from unicodedata import category

SCORES = {
    "frechet_distance": ("Fréchet distance", "lower"),
    "inception_score": ("Inception score", "higher"),
    "kernel_distance": ("Kernel distance", "lower"),
    "precision": ("Precision", "higher"),
    "recall": ("Recall", "higher"),
}
"""The scores of results.json with their names, and which way is better."""


def score_text(scores: dict[str, Any], key: str) -> str:
    """A score with its deviation, where it has one; a dash where it could not be given."""
    value, deviation = scores.get(key), scores.get(f"{key}_std")
    if value is None:
        return "–"
    return f"{value:.4g}" if deviation is None else f"{value:.4g} ± {deviation:.2g}"


def duration(seconds: float) -> str:
    """Seconds as people say it: "45 s", "6:16 min", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{whole % 60:02d} min"


def millions(number: float) -> str:
    """A number in millions, to three digits or to the million: "0.012", "24.6", "1,771"."""
    value = number / 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def binary_size(number: float) -> str:
    """Bytes as people say it: "12 KiB", "3.4 MiB", "5.6 GiB", "3,051.8 TiB"."""
    if number < 2**20:
        return f"{number / 2**10:.0f} KiB"
    if number < 2**30:
        return f"{number / 2**20:.1f} MiB"
    return f"{number / 2**30:.1f} GiB" if number < 2**40 else f"{number / 2**40:,.1f} TiB"


_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's kinds of characters that steer a terminal, the direction of text, or lines."""


def shown_text(text: str) -> str:
    r"""One line in which what is not visible is escaped as in Python: "\x1b", "\n", "\u202e"."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if category(character) in _INVISIBLE
        else character
        for character in text
    )
