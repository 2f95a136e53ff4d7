"""Search strategies: what proposes architectures and learns from their rewards."""

from collections.abc import Sequence
from typing import get_args

from autogan.basics.errors import UserError
from autogan.settings.search import SearchSettings, StrategyName
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Goal, Strategy

STRATEGIES: tuple[str, ...] = get_args(StrategyName)


def make_strategy(
    settings: SearchSettings,
    space: SearchSpace,
    seed: int,
    goals: Sequence[Goal] = (Goal("reward"),),
) -> Strategy:
    """The strategy that `settings.strategy` names, at the first stage of `space`.

    Raises `UserError` where it can only work for one goal and there are several.
    """
    name = settings.strategy
    refuse_several_goals(name, goals)
    match name:
        case "reinforce":
            from autogan.strategies.reinforce import Reinforce

            return Reinforce(space, settings.controller, seed)
        case "random":
            from autogan.strategies.uniform import UniformRandom

            return UniformRandom(space, seed, goals)
        case "evolution":
            from autogan.strategies.evolution import Evolution

            return Evolution(space, settings.evolution, seed, goals)
        case "local-search":
            from autogan.strategies.local_search import LocalSearch

            return LocalSearch(space, seed, goals)
        case "gradient":
            from autogan.strategies.gradient import Gradient

            return Gradient(space, settings, seed)
        case "tpe" | "gp" | "nsga2":
            from autogan.strategies.optuna import OptunaStrategy

            return OptunaStrategy(space, name, seed, goals, settings.nsga2)


def refuse_several_goals(name: StrategyName, goals: Sequence[Goal]) -> None:
    """Raises `UserError` where a strategy can only work for one goal and there are several."""
    if name in ("reinforce", "gradient") and len(goals) > 1:
        raise UserError(
            f"search.strategy={name} works for one goal, not for {len(goals)}: take nsga2, tpe, gp, "
            "evolution, local-search or random."
        )
