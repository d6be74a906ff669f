"""`t2vid diversity`: how much instructions differ, what a part adds to a mixture, what repeats; a figure and a map."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from t2vid_hf.cli.score import print_json, show_rows
from t2vid_hf.diversity.embedding import PAPER_MODEL
from t2vid_hf.diversity.matched_samples import DRAWS
from t2vid_hf.diversity.measures import MEASURES, THRESHOLD
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.instructions import InstructionSet, read_instructions


def diversity(
    sets: Annotated[list[str], typer.Argument(help="NAME=PATH or PATH: files, folders, Hub names, a recipe's YAML.")],
    model: Annotated[str, typer.Option(help="A sentence-transformers model; the default knows English.")] = PAPER_MODEL,
    against: Annotated[
        tuple[str, str] | None, typer.Option(help="A B: what the set B adds to A, more than A itself would.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A folder for diversity.json, tsne.png, .pdf, map.html.")] = None,
    pick: Annotated[int | None, typer.Option(help="Of one set: ids of the N rows that cover it best.", min=2)] = None,
    column: Annotated[str | None, typer.Option(help="Where the instruction stands; else it is found.")] = None,
    split: Annotated[str, typer.Option(help="Of folders and sets on the Hub.")] = "train",
    max_words: Annotated[int | None, typer.Option(help="Leave out longer instructions.", min=1)] = None,
    sample: Annotated[int | None, typer.Option(help="Instructions of a sample; else half of the smallest set.")] = None,
    draws: Annotated[int, typer.Option(help="Samples of each set.")] = DRAWS,
    threshold: Annotated[float, typer.Option(help="The cosine of near-duplicates.")] = THRESHOLD,
    points: Annotated[int, typer.Option(help="Instructions of each set on figure and map, at most.", min=2)] = 2000,
    seed: Annotated[int, typer.Option(help="Of samples, clusters and the map.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="All of it on stdout, as one line of JSON.")] = False,
) -> None:
    """Measure how much the instructions of data sets differ."""
    from t2vid_hf.diversity.embedding import Embedder
    from t2vid_hf.diversity.report import check_request, diversity_report

    found = read_instructions(sets, column=column, split=split, max_words=max_words)
    texts = {name: each.texts for name, each in found.items()}
    if pick is not None:
        _check_pick(found, pick, output)
    check_request(texts, size=sample, draws=draws, threshold=threshold, against=against)
    embedder = Embedder(model)
    vectors = embedder.embed([text for listed in texts.values() for text in listed])
    result = diversity_report(
        texts, embedder, vectors, size=sample, draws=draws, threshold=threshold, against=against, seed=seed
    )
    for name, each in found.items():
        result["sets"][name]["left_out"] = dict(each.left_out)
    result = {"model": model, **result}
    if pick is not None:
        picked, measured = _pick(found, vectors, pick, seed)
        result["picked"] = {"rows": pick, **measured}
    _show(result)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        if pick is not None:
            (output / "picked.txt").write_text("".join(f"{row}\n" for row in picked), "utf-8")
        (output / "diversity.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        _draw(texts, vectors, output, points, seed)
    if as_json:
        print_json(result)


def _check_pick(found: Mapping[str, InstructionSet], count: int, output: Path | None) -> None:
    if len(found) != 1 or output is None:
        raise InputError("--pick picks rows of one set, and writes picked.txt into --output: give one set and a folder")
    ((name, each),) = found.items()
    rows = len(set(each.ids))
    if not 2 <= count <= rows:
        raise InputError(f"--pick {count}: '{name}' has {rows} rows; give 2 to that many")


def _pick(found: Mapping[str, InstructionSet], vectors: Any, count: int, seed: int) -> tuple[list[str], dict[str, Any]]:
    from t2vid_hf.diversity.picking import pick_rows
    from t2vid_hf.diversity.prepared import prepare

    ((name, each),) = found.items()
    return pick_rows(each.ids, prepare({name: each.texts}, vectors), count, seed=seed)


def _draw(texts: Mapping[str, list[str]], vectors: Any, output: Path, points: int, seed: int) -> None:
    import numpy as np

    from t2vid_hf.diversity.report import draw_points
    from t2vid_hf.diversity.tsne import place_points
    from t2vid_hf.gallery.diversity_figure import write_figure
    from t2vid_hf.gallery.diversity_map import write_map

    drawn = draw_points(texts, points, seed=seed)
    print(f"placing {sum(map(len, drawn.values()))} instructions on a map", file=sys.stderr)
    placed = place_points(vectors[np.concatenate(list(drawn.values()))], seed=seed)
    each = dict(zip(drawn, np.split(placed, len(drawn)), strict=True))
    every = [text for listed in texts.values() for text in listed]
    write_figure(each, output / "tsne")
    shown = {name: [every[place] for place in places] for name, places in drawn.items()}
    write_map(each, shown, output / "map.html", title="Instruction diversity")
    print(f"figure, map and numbers: {output}", file=sys.stderr)


def _show(result: dict[str, Any]) -> None:
    title = f"{result['draws']} samples of {result['sample']} instructions of each set, mean and 95 % interval"
    sets = result["sets"].values()
    rows = [(each, *(_told(told["measures"][each]) for told in sets)) for each in MEASURES]
    show_rows(title, ("", *result["sets"]), [("instructions", *(str(told["instructions"]) for told in sets)), *rows])
    for name, told in result["sets"].items():
        repeats = told["redundancy"]
        out = "".join(f", {count} left out ({reason})" for reason, count in told["left_out"].items())
        cut = f", {told['cut']} longer than the model reads" if told["cut"] else ""
        odd = f", {told['unknown_tokens']:.1%} of tokens unknown to it" if told["unknown_tokens"] > 0.001 else ""
        print(f"{name}: {repeats['distinct']} distinct, {repeats['groups']} that ask different things, "
              f"{repeats['redundant']:.1%} redundant{out}{cut}{odd}", file=sys.stderr)  # fmt: skip
        for group in repeats["largest"][:3]:
            also = f" in {group['wordings']} wordings" if group["wordings"] > 1 else ""
            print(f"  {group['count']} times{also}: {group['text'][:90]}", file=sys.stderr)
    if "picked" in result:
        told = result["picked"]
        rows = [(each, f"{told['picked'][each]:.3f}", f"{told['random'][each]:.3f}") for each in MEASURES]
        show_rows(f"{told['rows']} rows that cover the set, and as many at random", ("", "picked", "random"), rows)
    if "against" in result:
        _show_against(result["against"])


def _show_against(told: dict[str, Any]) -> None:
    title = (
        f"{told['mixture']}, samples of {told['sample']} instructions: {told['added']} of {told['part']} in place of "
        f"more of its own"
    )
    rows = [(each, *(_told(told[kind][each]) for kind in ("alone", "mixed", "difference"))) for each in MEASURES]
    show_rows(title, ("", f"{told['mixture']} alone", f"with {told['part']}", "difference"), rows)


def _told(estimate: dict[str, float]) -> str:
    digits = 1 if abs(estimate["value"]) >= 10 else 3
    return f"{estimate['value']:.{digits}f} ± {estimate['high'] - estimate['value']:.{digits}f}"
