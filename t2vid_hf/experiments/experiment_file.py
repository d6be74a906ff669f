"""An experiment's YAML file: read strictly, and what its parts say of each other checked, before anything is loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.experiments.arms import Arm, Pool
from t2vid_hf.experiments.comparisons import Bases, Comparison, Primary, QuestionSet
from t2vid_hf.experiments.yaml_parts import check_pair, check_seeds, is_role, made
from t2vid_hf.training.recipe_file import read_yaml, recipe_file

EQUAL = ("rows", "tokens", "steps")
_GIVEN_HERE = {
    "mixture": "pools and arms are its rows", "mixture_paths": "pools are its rows",
    "mixture_filter": "a pool has filter", "dataset_name": "pools are its rows",
    "dataset_config": "pools are its rows", "dataset_test_split": "test asks",
    "eval_share": "test asks", "ask_dataset": "test asks", "model_name_or_path": "base is its model",
    "model_revision": "base is its model", "output_dir": "the experiment has one", "mixture_seed": "seeds are given",
    "seed": "seeds are given", "data_seed": "seeds are given", "dry_run": "--dry_run is the experiment's",
    "overwrite_output_dir": "each run has its own folder", "resume_from_checkpoint": "runs go on by themselves",
    "push_to_hub": "an experiment publishes nothing",
}  # fmt: skip


@dataclass(frozen=True)
class Experiment:
    """An experiment as its file has it.

    Args:
        output_dir (`str`): Where its runs and its report go.
        base (`dict`): See [`~t2vid_hf.experiments.comparisons.Bases`].
        train (`str` or `dict`): A training recipe's file; or its settings, `recipe` for a file that they win over.
        seeds (`list[int]`): The seeds of training and of the rows that are drawn.
        pools (`dict`): See [`~t2vid_hf.experiments.arms.Pool`].
        arms (`dict`): See [`~t2vid_hf.experiments.arms.Arm`].
        test (`dict`): See [`~t2vid_hf.experiments.comparisons.QuestionSet`].
        primary (`dict`): See [`~t2vid_hf.experiments.comparisons.Primary`].
        control (`dict`, *optional*): A comparison that must come out above 0, or the test is not sensitive; `None`
            leaves that unknown, and the report says so.
        compare (`list`, *optional*): More pairs of arms, told beside each arm against the primary's second.
        rotate (`dict`, *optional*): Roles, each a list whose entries the seeds take in turn.
        nested (`bool`, *optional*, defaults to `True`): Whether small arms hold prefixes of a large arm's rows.
        equal (`str`, *optional*, defaults to `"rows"`): What `budget` counts: `"rows"` or `"tokens"` of arms of shares,
            or optimizer `"steps"`, of all arms.
        budget (`int`, *optional*): How many of these.
        keep_checkpoints (`bool`, *optional*, defaults to `False`): Whether weights stay where they were scored.
        quick (`dict`, *optional*): What `--quick` lays over all of this; `null` takes something out.
    """

    output_dir: str
    base: dict
    train: Any
    seeds: list
    pools: dict
    arms: dict
    test: dict
    primary: dict
    control: dict | None = None
    compare: list = field(default_factory=list)
    rotate: dict = field(default_factory=dict)
    nested: bool = True
    equal: str = "rows"
    budget: int | None = None
    keep_checkpoints: bool = False
    quick: dict | None = None


class Design:
    """An experiment whose parts are made and agree with each other.

    Args:
        given (`Mapping[str, Any]`): What the file says.
        quick (`bool`, *optional*, defaults to `False`): Whether its `quick` is laid over it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part is wrong, or speaks of what is not there.
    """

    def __init__(self, given: Mapping[str, Any], *, quick: bool = False) -> None:
        if quick and not given.get("quick"):
            raise InputError("--quick: the file has no 'quick', which says what is smaller; give it")
        laid = _laid(given, given["quick"]) if quick else given
        self.given = {key: value for key, value in laid.items() if key != "quick"}
        spec = made(Experiment, self.given, "the experiment")
        self.output_dir, self.nested, self.budget = Path(spec.output_dir), spec.nested, spec.budget
        self.equal, self.keep_checkpoints = spec.equal, spec.keep_checkpoints
        if quick:
            self.output_dir = self.output_dir.with_name(f"{self.output_dir.name}-quick")
        self.bases: Bases = made(Bases, spec.base, "base")
        self.gate = self.bases.checked
        self.recipe, self.settings = _train(spec.train)
        self.seeds = spec.seeds
        self.roles = {str(name): _entries(name, entries) for name, entries in spec.rotate.items()}
        self.pools = {str(name): Pool.of(name, each) for name, each in spec.pools.items()}
        self.arms = {str(name): Arm.of(name, each, self.pools) for name, each in spec.arms.items()}
        self.test: QuestionSet = made(QuestionSet, spec.test, "test")
        self.primary: Primary = made(Primary, spec.primary, "primary")
        self.control = None if spec.control is None else made(Comparison, spec.control, "control")
        self.compare = spec.compare
        self._check(quick)
        drawn = {pool for arm in self.arms.values() for pool in (*arm.amounts, *arm.shares)}
        self.pools = {name: pool for name, pool in self.pools.items() if name in drawn}

    def roles_of(self, seed: int) -> dict[str, tuple[Any, ...]]:
        """The values of each role for a seed."""
        number = self.seeds.index(seed)
        return {name: entries[number % len(entries)] for name, entries in self.roles.items()}

    def pairs(self) -> list[tuple[str, str]]:
        """All pairs that are told: the primary's, each arm against its second, and the others of the file."""
        first, partner = self.primary.compare
        pairs = [(first, partner), *((arm, partner) for arm in self.arms if arm != partner)]
        pairs += [tuple(self.control.compare)] if self.control else []
        return list(dict.fromkeys([*pairs, *map(tuple, self.compare)]))

    def _check(self, quick: bool) -> None:
        check_seeds(self.seeds, "seeds")
        if not self.seeds:
            raise InputError("seeds is empty; give at least one, and four or more for an interval that is worth it")
        self._check_roles(quick)
        self._check_arms()
        self._check_budget()
        for pair in self.compare:
            check_pair(pair, "compare")
        told = [("primary", self.primary.compare), ("control", self.control.compare if self.control else [])]
        for name, arms in [*told, *(("compare", pair) for pair in self.compare)]:
            for arm in arms:
                if arm not in self.arms:
                    raise unknown(f"arm of {name}", arm, self.arms)
        for each in (self.primary, self.control):
            if each is not None and each.group not in self.test.groups:
                raise unknown("group", each.group, self.test.groups)
            if each is not None and each.at is not None and self.test.by is None:
                raise InputError(f"at: {each.at} is a value of the column that test names with 'by'; give it, too")
        idle = set(self.pools) - {pool for arm in self.arms.values() for pool in (*arm.amounts, *arm.shares)}
        if idle and not quick:  # which leaves out arms
            raise InputError(f"pools: no arm draws from '{min(idle)}'; leave it out")

    def _check_roles(self, quick: bool) -> None:
        used = {value[1:] for values in self._wheres() for value in values if is_role(value)}
        for name in used - set(self.roles):
            raise unknown("role", f"${name}", [f"${role}" for role in self.roles] or ["none: give rotate"])
        for name, entries in self.roles.items():
            if name not in used:
                raise InputError(f"rotate: no pool and no group takes ${name}; leave it out")
            if len(self.seeds) % len(entries) and not quick:
                raise InputError(f"rotate: {len(self.seeds)} seeds do not take each of the {len(entries)} entries of "
                                 f"{name} equally often; give a multiple of them")  # fmt: skip

    def _wheres(self) -> Iterator[Any]:
        for pool in self.pools.values():
            yield from pool.where.values()
        for group in self.test.groups:
            yield from self.test.where(group).values()

    def _check_arms(self) -> None:
        if not any(arm.trains for arm in self.arms.values()):
            raise InputError("arms: none trains anything; give at least one with rows")
        for name, arm in self.arms.items():
            if isinstance(arm.steps, str):
                if arm.steps not in self.arms or arm.steps == name:
                    raise unknown(f"arm in steps of '{name}'", arm.steps, set(self.arms) - {name})
                if not self.arms[arm.steps].trains or self.arms[arm.steps].steps is not None:
                    raise InputError(f"arm '{name}': steps names '{arm.steps}', which trains nothing or has steps "
                                     f"itself; name another")  # fmt: skip

    def _check_budget(self) -> None:
        if self.equal not in EQUAL:
            raise unknown("equal", self.equal, EQUAL)
        if self.budget is not None and self.budget < 1:
            raise InputError(f"budget is {self.budget}; give a number above 0")
        shares = {name: arm for name, arm in self.arms.items() if arm.shares}
        if self.equal == "steps":
            for name, arm in self.arms.items():
                for key in ("steps", "budget"):
                    if getattr(arm, key) is not None:
                        raise InputError(f"arm '{name}': equal: steps gives all arms the same; leave its {key} out")
            if self.budget is None:
                raise InputError("equal: steps needs a budget, the steps of every arm; give it")
            return
        lacking = [name for name, arm in shares.items() if arm.budget is None]
        if lacking and self.budget is None:
            raise InputError(f"arm '{lacking[0]}' has shares, and no budget of {self.equal} to fill; give budget")
        if not shares and (self.budget is not None or self.equal != "rows"):
            raise InputError(
                f"budget and equal: {self.equal} are for arms of shares, and there is none; leave them out"
            )
        if self.budget is not None and not lacking:
            raise InputError("budget: every arm of shares has its own; leave it out")


def read_experiment(path: str, *, quick: bool = False) -> Design:
    """Read an experiment's file.

    Args:
        path (`str`): A path from the current folder, or of a file that is shipped, as `smolvlm2-2.2b/experiment.yaml`.
        quick (`bool`, *optional*, defaults to `False`): See [`Design`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is wrong; the message names the file.
    """
    file = recipe_file(path)
    known = Experiment.__dataclass_fields__
    given = read_yaml(file, known)
    try:
        return Design(given, quick=quick)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another laid over it, mapping by mapping; `None` takes out."""
    made_of = {key: value for key, value in under.items() if not (key in over and over[key] is None)}
    for key, value in over.items():
        if value is not None:
            below = made_of.get(key)
            both = isinstance(value, dict) and isinstance(below, dict)
            made_of[key] = _laid(below, value) if both else value  # type: ignore[arg-type]
    return made_of


def _train(given: Any) -> tuple[str | None, dict[str, Any]]:
    """The training recipe's file, if there is one, and what is set in place of its own."""
    settings = {"recipe": given} if isinstance(given, str) else given
    if not isinstance(settings, dict) or not isinstance(settings.get("recipe", ""), str):
        raise InputError(f"train is {given!r}; give a training recipe's file, or a mapping of its settings")
    return settings.get("recipe"), {key: value for key, value in settings.items() if key != "recipe"}


def check_recipe(settings: Mapping[str, Any]) -> None:
    """Refuse settings of the training recipe that the experiment gives, and that would be ignored.

    Args:
        settings (`Mapping[str, Any]`): What the recipe says.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of them is there.
    """
    for key, why in _GIVEN_HERE.items():
        if key in settings:
            raise InputError(f"train: the recipe has '{key}', and in an experiment {why}; leave it out")


def _entries(name: Any, given: Any) -> list[tuple[Any, ...]]:
    if not isinstance(given, list) or not given:
        raise InputError(f"rotate: {name} is {given!r}; give a list with an entry for each seed in turn")
    return [tuple(entry) if isinstance(entry, list) else (entry,) for entry in given]
