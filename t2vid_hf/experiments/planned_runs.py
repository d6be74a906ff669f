"""The runs of an experiment: arms by bases by seeds, each with its rows, its settings and the key of its folder.

The key is a hash of all that decides what a run answers: settings, rows, files, weights of the base, questions. What is
done under a key is never done again, and nothing of another key is taken for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from t2vid_hf import __version__
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.experiments.arms import Arm
from t2vid_hf.experiments.draws import ArmRows, draw_arm
from t2vid_hf.experiments.experiment_file import Design
from t2vid_hf.experiments.pool_rows import PoolRows, digest
from t2vid_hf.training.epoch_plan import plan_epoch
from t2vid_hf.training.sft_config import T2VidSFTConfig


@dataclass(frozen=True)
class Base:
    """What arms begin with.

    Args:
        name (`str`): Its name in tables and files.
        path (`str`): Its checkpoint.
        weights (`str`): The hash of its weights.
    """

    name: str
    path: str
    weights: str


@dataclass(frozen=True)
class PlannedRun:
    """A run.

    Args:
        arm (`str`): The arm.
        base ([`Base`]): What it begins with.
        seed (`int` or `None`): The seed; `None` where nothing is trained, which no seed changes.
        options (`tuple[str, ...]`): What its command line adds to the training recipe.
        rows ([`~t2vid_hf.experiments.draws.ArmRows`]): Its rows, without those of pools.
        steps (`int`): Optimizer steps.
        key (`str`): What it is known by.
        folder (`Path`): Where it goes.
    """

    arm: str
    base: Base
    seed: int | None
    options: tuple[str, ...]
    rows: ArmRows
    steps: int
    key: str
    folder: Path

    @property
    def name(self) -> str:
        """The run in words."""
        return f"{self.arm}, base {self.base.name}" + ("" if self.seed is None else f", seed {self.seed}")


class Planner:
    """Plans the runs of an experiment.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.
        pools (`Mapping[str, PoolRows]`): Its pools.
        config ([`T2VidSFTConfig`]): How the recipe trains.
        recipe (`Mapping[str, Any]`): What the recipe's file says, with what is set in place of its own.
        questions (`str`): A hash of the test set.
    """

    def __init__(
        self,
        design: Design,
        pools: Mapping[str, PoolRows],
        *,
        config: T2VidSFTConfig,
        recipe: Mapping[str, Any],
        questions: str,
    ) -> None:
        self.design, self.pools, self.config = design, pools, config
        self._recipe, self._questions = dict(recipe), questions
        self._stamps = {name: pool.stamp() for name, pool in pools.items()}
        self._drawn: dict[tuple[str, int], ArmRows] = {}

    def rows(self, arm: str, seed: int) -> ArmRows:
        """The rows of an arm with a seed; see [`~t2vid_hf.experiments.draws.draw_arm`]."""
        if (arm, seed) not in self._drawn:
            self._drawn[arm, seed] = draw_arm(self.design, arm, seed, self.pools)
        return self._drawn[arm, seed]

    def steps(self, arm: str, seed: int) -> int:
        """Optimizer steps of an arm with a seed."""
        given = self._max_steps(arm, seed)
        if given is not None:
            return given
        prices = self.rows(arm, seed).prices
        return 0 if prices is None else steps_of(prices, self.config)

    def runs(self, bases: Sequence[Base]) -> Iterator[PlannedRun]:
        """All runs, those of a base and a seed together; what nothing is trained of, once for each base.

        Args:
            bases (`Sequence[Base]`): The bases.
        """
        for base in bases:
            for number, seed in enumerate(self.design.seeds):
                for name, arm in self.design.arms.items():
                    if arm.trains or number == 0:
                        yield self._run(base, name, arm, seed)

    def _run(self, base: Base, name: str, arm: Arm, seed: int) -> PlannedRun:
        rows = self.rows(name, seed)
        options: tuple[str, ...] = ("--seed", str(seed), "--data_seed", str(seed), "--mixture_seed", str(seed))
        if (most := self._max_steps(name, seed)) is not None:
            options += ("--max_steps", str(most))
        if arm.learning_rate is not None:
            options += ("--learning_rate", str(arm.learning_rate))
        decides = {
            "version": __version__,
            "base": base.weights,
            "recipe": self._recipe,
            "questions": self._questions,
            "options": options if arm.trains else (),
            "parts": [asdict(part) for part in rows.parts],
            "files": [self._stamps[each.pool] for each in rows.drawn],
            "rows": [[pick.id, pick.part, pick.take_frames] for pick in rows.picks],
        }
        key = digest(decides)
        bare = replace(rows, drawn=())
        folder = self.design.output_dir / "runs" / f"{name}-{key[:16]}"
        return PlannedRun(name, base, seed if arm.trains else None, options, bare, self.steps(name, seed), key, folder)

    def _max_steps(self, name: str, seed: int) -> int | None:
        arm = self.design.arms[name]
        if not arm.trains:
            return None
        if self.design.equal == "steps":
            return self.design.budget
        return self.steps(arm.steps, seed) if isinstance(arm.steps, str) else arm.steps


def steps_of(prices: Prices, config: T2VidSFTConfig) -> int:
    """Optimizer steps of a run over rows.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What they cost.
        config ([`T2VidSFTConfig`]): How it trains.
    """
    from t2vid_hf.training.run_record import steps_in_all

    return steps_in_all(len(prices), plan_epoch(config, prices) if config.packing else None, config)
