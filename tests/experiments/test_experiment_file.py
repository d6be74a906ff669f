"""An experiment's file: what is wrong with it is one line, and no setting is accepted and ignored."""

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.experiments.experiment_file import Design, read_experiment
from tests.experiments.designs import design, write_design

POOL = {"path": "set", "name": "rows"}
WRONG = {
    "a key that is unknown": ({"seed": [1]}, "unknown key of the experiment 'seed'.*did you mean 'seeds'"),
    "no margin": ({"primary": {"compare": ["some", "large"], "group": "S"}}, "primary has no 'margin'; give it"),
    "a margin of nothing": ({"primary": {"compare": ["some", "large"], "group": "S", "margin": 0}}, "margin is 0"),
    "a seed twice": ({"seeds": [3, 3]}, "seeds: 3 stands twice"),
    "no seeds": ({"seeds": []}, "seeds is empty"),
    "a seed that is none": ({"seeds": ["a"]}, "give a list of whole numbers"),
    "seeds that rotate unevenly": (
        {"seeds": [1, 2, 3]},
        "3 seeds do not take each of the 2 entries of S equally often",
    ),
    "a pool that is unknown": ({"arms": {"some": {"rows": 3}}}, "unknown pool of arm 'some' 'rows'; known: .*all"),
    "a pool that nobody draws from": (
        {"arms": {"small": {"all": 3}, "some": {"all": 4}, "large": {"all": 5}}},
        "no arm draws from 'taught'",
    ),
    "a key of a pool": ({"pools": {"all": {**POOL, "share": 2}}}, "unknown key of pool 'all' 'share'"),
    "a wrong value of a pool": ({"pools": {"all": {**POOL, "num_frames": 0}}}, "num_frames is 0"),
    "rows that are none": ({"arms": {"some": {"all": 0}}}, "arm 'some': all is 0; give a number of rows above 0"),
    "more than all": ({"arms": {"some": {"all": "130%"}}}, "all is '130%'"),
    "rows and shares": ({"arms": {"some": {"all": 3, "shares": {"taught": 1}}}}, "give rows of pools, or shares"),
    "shares without a budget": (
        {"arms": {"some": {"shares": {"all": 1}}}},
        "has shares, and no budget of rows to fill",
    ),
    "a budget for nobody": ({"budget": 8}, "budget and equal: rows are for arms of shares, and there is none"),
    "equal tokens for nobody": ({"equal": "tokens"}, "equal: tokens are for arms of shares"),
    "equal steps without a number": ({"equal": "steps"}, "equal: steps needs a budget"),
    "steps beside equal steps": (
        {"equal": "steps", "budget": 3, "arms": {"some": {"all": 3, "taught": 1, "steps": 4}}},
        "equal: steps gives all arms the same; leave its steps out",
    ),
    "equal to what is unknown": ({"equal": "time"}, "unknown equal 'time'"),
    "steps of nothing": ({"arms": {"nothing": {"steps": 3}}}, "arm 'nothing' trains nothing, so steps has no effect"),
    "steps of an arm that is unknown": (
        {"arms": {"some": {"all": 3, "taught": 1, "steps": "much"}}},
        "arm in steps of",
    ),
    "an arm of the primary": (
        {"primary": {"compare": ["some", "big"], "group": "S", "margin": 0.1}},
        "unknown arm of primary 'big'",
    ),
    "an arm against itself": (
        {"primary": {"compare": ["some", "some"], "group": "S", "margin": 0.1}},
        "give two arms",
    ),
    "a group that is unknown": (
        {"primary": {"compare": ["some", "large"], "group": "T", "margin": 0.1}},
        "unknown group 'T'; known: S, every",
    ),
    "a score that is unknown": (
        {"primary": {"compare": ["some", "large"], "group": "S", "margin": 0.1, "score": "bleu"}},
        "unknown score 'bleu'",
    ),
    "a test without groups": ({"test": {"path": "set", "groups": {}}}, "test: groups is empty"),
    "a test without a path": ({"test": {"groups": {"every": {}}}}, "test has no 'path'"),
    "a role that is unknown": ({"rotate": {}}, r"unknown role '\$S'"),
    "a role that nobody takes": (
        {"rotate": {"S": [["first"], ["last"]], "T": [["a"]]}},
        r"no pool and no group takes \$T",
    ),
    "checkpoints and a recipe": ({"base": {"checkpoints": ["a"], "recipe": "b", "seeds": [1]}}, "either checkpoints"),
    "a checkpoint twice": ({"base": {"checkpoints": ["a", "a"]}}, "a checkpoint stands twice"),
    "a recipe without seeds": ({"base": {"recipe": "b"}}, "recipe and seeds go together"),
    "a gate above all": ({"base": {"checkpoints": ["a"], "gate": {"path": "a", "at_least": 2}}}, "at_least is 2"),
    "arms that train nothing": ({"arms": {"nothing": {}, "some": {}}, "pools": {}}, "none trains anything"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told(name, tmp_path):
    changes, message = WRONG[name]
    with pytest.raises(InputError, match=message) as caught:
        Design(design(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_the_message_names_the_file(tmp_path):
    path = write_design(tmp_path, seeds=[1, 1])
    with pytest.raises(InputError, match=r"experiment\.yaml: seeds: 1 stands twice"):
        read_experiment(path)


def test_quick_is_laid_over_the_file(tmp_path):
    path = write_design(tmp_path)
    whole, quick = read_experiment(path), read_experiment(path, quick=True)
    assert (list(whole.arms), whole.seeds) == (["nothing", "large", "small", "some"], [3, 4])
    assert (list(quick.arms), quick.seeds) == (["nothing", "small", "some"], [3])
    assert quick.primary.compare == ["some", "small"] and quick.primary.margin == whole.primary.margin
    assert quick.output_dir.name == "out-quick" and whole.output_dir.name == "out"


def test_quick_must_be_described(tmp_path):
    with pytest.raises(InputError, match="the file has no 'quick'"):
        read_experiment(write_design(tmp_path, quick=None), quick=True)


def test_roles_go_round(tmp_path):
    made = Design(design(tmp_path, seeds=[7, 1, 2, 9]))
    assert [made.roles_of(seed)["S"] for seed in made.seeds] == [("first",), ("last",), ("first",), ("last",)]


def test_each_arm_is_told_against_the_second_of_the_primary(tmp_path):
    made = Design(design(tmp_path, compare=[["some", "nothing"]]))
    assert made.pairs() == [
        ("some", "large"), ("nothing", "large"), ("small", "large"), ("some", "small"), ("some", "nothing"),
    ]  # fmt: skip
