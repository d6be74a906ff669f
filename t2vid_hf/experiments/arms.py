"""Pools of rows, and the arms that draw from them: how many rows of which, and nothing else of the training.

An arm may have a learning rate of its own, found beforehand, because one rate for 180 and for 1,200 steps favours one
of them; the report tells it. Nothing else may differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.experiments.yaml_parts import Where, read_where
from t2vid_hf.mixtures.parts import MixturePart

_OF_POOL = {item.name for item in fields(MixturePart)} - {"share", "count", "eval_split"}
_OF_ARM = ("shares", "budget", "steps", "learning_rate")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True)
class Pool:
    """Rows that arms draw from.

    Args:
        settings (`Mapping[str, Any]`): What [`~t2vid_hf.mixtures.parts.MixturePart`] takes but for `share` and `count`.
        where (`Mapping[str, tuple]`): See [`read_where`].
    """

    settings: Mapping[str, Any]
    where: Where

    @classmethod
    def of(cls, name: str, given: Any) -> "Pool":
        """A pool of the file; an unknown key is an error."""
        if not isinstance(given, dict) or "path" not in given:
            raise InputError(f"pool '{name}' is {given!r}; give a mapping with at least 'path'")
        for key in given:
            if key not in {*_OF_POOL, "where"}:
                raise unknown(f"key of pool '{name}'", key, {*_OF_POOL, "where"})
        pool = cls(
            {key: value for key, value in given.items() if key != "where"},
            read_where(given.get("where"), f"pool '{name}': where"),
        )
        pool.part()  # wrong values end here
        return pool

    def part(self, count: int = 1) -> MixturePart:
        """The part of a mixture that so many of its rows are."""
        return MixturePart.from_dict({**self.settings, "count": count})


@dataclass(frozen=True)
class Amount:
    """How many rows of a pool.

    Args:
        rows (`int`, *optional*): So many.
        share (`float`, *optional*): This share of its usable rows, up to 1.
    """

    rows: int | None = None
    share: float | None = None

    @classmethod
    def of(cls, given: Any, place: str) -> "Amount":
        """An amount of the file: rows, `"15%"`, or `all`."""
        if type(given) is int and given > 0:
            return cls(rows=given)
        percent = _PERCENT.fullmatch(given) if isinstance(given, str) else None
        if given == "all" or (percent and 0 < float(percent[1]) <= 100):
            return cls(share=1.0 if percent is None else float(percent[1]) / 100)
        raise InputError(f"{place} is {given!r}; give a number of rows above 0, a share such as '15%', or all")


@dataclass(frozen=True)
class Arm:
    """One way of choosing rows.

    Args:
        amounts (`Mapping[str, Amount]`): How many rows of each pool; nothing where nothing is trained.
        shares (`Mapping[str, float]`): In place of amounts, how rows are divided over pools.
        budget (`int` or `None`): How much shares fill, in place of the experiment's.
        steps (`int`, `str` or `None`): Optimizer steps in place of one pass by the recipe: so many, or those of an arm.
        learning_rate (`float` or `None`): In place of the recipe's; the report tells of it.
    """

    amounts: Mapping[str, Amount]
    shares: Mapping[str, float]
    budget: int | None
    steps: int | str | None
    learning_rate: float | None

    @property
    def trains(self) -> bool:
        """Whether it has rows at all."""
        return bool(self.amounts or self.shares)

    def told(self) -> dict[str, Any]:
        """What the file says of it, for a report."""
        amounts = {pool: each.rows or f"{100 * (each.share or 0):g}%" for pool, each in self.amounts.items()}
        set_here = {key: getattr(self, key) for key in ("budget", "steps", "learning_rate")}
        given = {"amounts": amounts, "shares": dict(self.shares)}
        return {**given, "set": {key: value for key, value in set_here.items() if value is not None}}

    @classmethod
    def of(cls, name: str, given: Any, pools: Mapping[str, Pool]) -> "Arm":
        """An arm of the file; a key is a pool or a setting of arms, or an error."""
        if not isinstance(given, dict):
            raise InputError(f"arm '{name}' is {given!r}; give a mapping of pools to rows, {{}} to train nothing")
        for key in given:
            if key not in pools and key not in _OF_ARM:
                raise unknown(f"pool of arm '{name}'", key, {*pools, *_OF_ARM})
        amounts = {key: Amount.of(given[key], f"arm '{name}': {key}") for key in given if key in pools}
        shares = given.get("shares") or {}
        if not isinstance(shares, dict) or not all(type(each) in (int, float) and each > 0 for each in shares.values()):
            raise InputError(f"arm '{name}': shares is {shares!r}; give a mapping of pools to numbers above 0")
        for pool in shares:
            if pool not in pools:
                raise unknown(f"pool of arm '{name}'", pool, pools)
        arm = cls(amounts, shares, given.get("budget"), given.get("steps"), given.get("learning_rate"))
        arm._check(name)
        return arm

    def _check(self, name: str) -> None:
        if self.amounts and self.shares:
            raise InputError(f"arm '{name}': give rows of pools, or shares of them, not both")
        settings = {"budget": self.budget, "steps": self.steps, "learning_rate": self.learning_rate}
        given = [key for key, value in settings.items() if value is not None]
        if given and not self.trains:
            raise InputError(f"arm '{name}' trains nothing, so {given[0]} has no effect; leave it out")
        if self.budget is not None and not (self.shares and type(self.budget) is int and self.budget > 0):
            raise InputError(f"arm '{name}': budget is {self.budget!r}; it is a number above 0, for an arm of shares")
        if self.steps is not None and not (isinstance(self.steps, str) or (type(self.steps) is int and self.steps > 0)):
            raise InputError(f"arm '{name}': steps is {self.steps!r}; give a number above 0, or an arm's name")
        if self.learning_rate is not None and not (type(self.learning_rate) in (int, float) and self.learning_rate > 0):
            raise InputError(f"arm '{name}': learning_rate is {self.learning_rate!r}; give a number above 0")
