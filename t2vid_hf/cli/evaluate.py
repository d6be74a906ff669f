"""`t2vid evaluate`: checkpoints answer the questions of a benchmark; scores, and every single answer."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from t2vid_hf.batches.video_policy import trained_policy
from t2vid_hf.cli.asked_endpoint import ask_endpoint
from t2vid_hf.cli.endpoint_options import askers_of, check_options, endpoints_in, judge_of, tokens_of
from t2vid_hf.cli.evaluated import conclude, recorded, scores_file
from t2vid_hf.cli.question_source import question_source
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.asked_with import depends_on
from t2vid_hf.evaluation.benchmarks import ASKINGS, BENCHMARKS
from t2vid_hf.evaluation.question_files import Prepared
from t2vid_hf.evaluation.ranks import Ranks, all_ranks
from t2vid_hf.evaluation.requests_at_once import CONCURRENCY, MOST
from t2vid_hf.evaluation.resuming import AnswersFile
from t2vid_hf.evaluation.runs import Answer, ask_on
from t2vid_hf.evaluation.usage import MAX_BATCH_TOKENS, Usage, joined_usage
from t2vid_hf.metrics.judged import JUDGE_FILE
from t2vid_hf.models import adapter_for
from t2vid_hf.models.weights_hash import weights_hash


def evaluate(
    models: Annotated[
        list[str], typer.Option(help="NAME=CHECKPOINT or NAME=MODEL@http://host:port/v1; once for each model.")
    ],
    output: Annotated[Path, typer.Option(help="The file of scores, or its folder; answers.jsonl goes beside them.")],
    dataset: Annotated[str | None, typer.Option(help="Of clips: the folder, or its name on the Hub.")] = None,
    revision: Annotated[str | None, typer.Option(help="Of what is on the Hub: branch, tag or commit.")] = None,
    benchmark: Annotated[str, typer.Option(help=f"One of {', '.join([*BENCHMARKS, *ASKINGS])}.")] = "clips",
    questions: Annotated[str | None, typer.Option(help="The benchmark's own file of questions.")] = None,
    videos: Annotated[str | None, typer.Option(help="Folder of its videos, or hf://datasets/user/name.")] = None,
    task: Annotated[str | None, typer.Option(help="The task of a benchmark that has several.")] = None,
    subtitles: Annotated[bool | None, typer.Option(help="Ask with them; as its authors do if not given.")] = None,
    max_missing: Annotated[int, typer.Option(help="Questions that may lack a whole video.", min=0)] = 0,
    num_frames: Annotated[int | None, typer.Option(help="Frames taken of each video.", min=1)] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second in place of it, with --max_frames.")] = None,
    max_frames: Annotated[int | None, typer.Option(help="With --fps, the most frames of a video.", min=1)] = None,
    video: Annotated[str | None, typer.Option(help="as_frames or native; as trained if not given.")] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest reply.", min=1)] = 32,
    batch_size: Annotated[
        int | None, typer.Option(help="Questions of a video at a time; all if not given.", min=1)
    ] = None,
    max_batch_tokens: Annotated[
        int | None, typer.Option(help=f"Room of the cache of keys and values; {MAX_BATCH_TOKENS} if not given.", min=1)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the answers that are there.")] = False,
    concurrency: Annotated[
        int | None, typer.Option(help="Of an endpoint: requests at once; 8 if not given.", min=1, max=MOST)
    ] = None,
    jpeg_quality: Annotated[
        int | None, typer.Option(help="Of an endpoint: frames as JPEG; PNG if not given.", min=1, max=100)
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Of an endpoint: most seconds of a reply; 600 if not given.", min=1)
    ] = None,
    api_key_env: Annotated[
        list[str] | None, typer.Option(help="Of an endpoint: NAME=VARIABLE, which holds the token that NAME is sent.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Who reads what no rule does: a chat model, or MODEL@URL.")] = None,
) -> None:
    """Score checkpoints on a benchmark."""
    checkpoints = checkpoints_by_name(models)
    by_url = endpoints_in(checkpoints, judge)
    check_options(
        {"concurrency": concurrency, "timeout": timeout, "api_key_env": api_key_env},
        {"batch_size": batch_size, "max_batch_tokens": max_batch_tokens},
        endpoints=len(by_url),
        checkpoints=len(set(checkpoints) - set(by_url)),
    )
    tokens = tokens_of(api_key_env, by_url)
    asking: dict[str, Any] = {"timeout": timeout, "concurrency": concurrency or CONCURRENCY}
    askers = askers_of(
        {name: place for name, place in checkpoints.items() if name in by_url},
        {"video": video, "num_frames": num_frames, "fps": fps, "max_frames": max_frames},
        max_new_tokens=max_new_tokens,
        jpeg_quality=jpeg_quality,
        tokens=tokens,
        **asking,
    )
    answering = {
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
        "max_batch_tokens": max_batch_tokens or MAX_BATCH_TOKENS,
    }
    with all_ranks() as ranks:
        # what cannot be written to ends here, before hours of answers
        ranks.alone(lambda: output.parent.mkdir(parents=True, exist_ok=True))
        source = question_source(
            benchmark, dataset, questions=questions, videos=videos, task=task, subtitles=subtitles, revision=revision
        )
        scores = ranks.alone(lambda: scores_file(output, is_folder=questions is not None))
        reader = judge_of(judge, scores.with_name(JUDGE_FILE), tokens=tokens, scored=source.scored, **asking)
        file = ranks.alone(lambda: AnswersFile(scores.parent, resume=resume))
        file.check_names(list(checkpoints))
        answers, policies, weights, asked, about = {}, {}, {}, {}, {}
        for name, path in checkpoints.items():
            if name in askers:
                asker = askers[name]
                asked[name], answers[name], about[name] = ask_endpoint(file, name, asker, source)
                policy, weights[name] = asker.policy, asker.endpoint.identity
                policies[name] = {**asdict(policy), "told": str(policy)}
                continue
            model, processor = load_to_answer(path)
            weights[name] = ranks.alone(partial(weights_hash, path))
            policy = trained_policy(
                processor,
                adapter_for(model.config.model_type),
                video=video,
                num_frames=num_frames,
                fps=fps,
                max_frames=max_frames,
            )
            policies[name] = {**asdict(policy), "told": str(policy)}
            ranks = ranks.sharing(source.videos(), file.replies(name))
            asked[name] = source.prepare(policy, ranks=ranks, progress="videos" if ranks.is_first else None)
            about[name] = recorded(asked[name], model, processor, policy, ranks)
            answers[name] = _answered(
                file, name, model, processor, asked[name], about[name]["settings"],
                weights=weights[name], policy=policy, ranks=ranks, **answering,
            )  # fmt: skip
            del model, processor  # the next one, or the judge, may have room only where this one was
        settings = {
            "benchmark": benchmark,
            "dataset": dataset,
            **(
                {}
                if questions is None
                else {"task": task, "subtitles": subtitles, "question_file": Path(questions).name}
            ),
            "revision": revision,
            "video": policies,
            "max_new_tokens": max_new_tokens,
        }
        run = {"checkpoints": checkpoints, "weights": weights, "settings": settings, "about": about}
        ranks.alone(lambda: conclude(benchmark, scores, asked, answers, run, max_missing=max_missing, judge=reader))


def _answered(
    file: AnswersFile,
    name: str,
    model: Any,
    processor: Any,
    asked: Prepared,
    settings: dict[str, Any],
    *,
    weights: str,
    ranks: Ranks,
    **answering: Any,
) -> list[Answer]:
    """What a model answers, told of and written on the way."""
    depends = depends_on(model, settings, weights=weights, max_new_tokens=answering["max_new_tokens"])
    ranks.alone(lambda: file.begin(name, depends, asked.items, asked.media))
    usage = Usage()
    answers = ask_on(
        file, name, model, processor, asked.items,
        ranks=ranks, progress=name if ranks.is_first else None, usage=usage, **answering,
    )  # fmt: skip
    usages = ranks.each(lambda: usage)
    if ranks.is_first:
        tell_usage(name, joined_usage(usages))
    return answers


def checkpoints_by_name(given: Iterable[str]) -> dict[str, str]:
    """The option --models as a mapping.

    Args:
        given (`Iterable[str]`): For each model `NAME=CHECKPOINT`, or an address in its place.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one is not of that form, or a name stands twice.

    Example:

    ```python
    >>> from t2vid_hf.cli.evaluate import checkpoints_by_name
    >>> checkpoints_by_name(["base=out/tiny", "tuned=out/sft"])
    {'base': 'out/tiny', 'tuned': 'out/sft'}

    ```
    """
    checkpoints: dict[str, str] = {}
    for model in given:
        name, _, path = model.partition("=")
        if not (name and path) or name in checkpoints:
            raise InputError(f"--models {model}: give NAME=CHECKPOINT or NAME=MODEL@URL, each name once")
        checkpoints[name] = path
    return checkpoints


def load_to_answer(path: str):  # type: ignore[no-untyped-def]  # transformers' types are not followed
    """Load a checkpoint, or a LoRA adapter on its base model; onto the first GPU where there is one.

    Args:
        path (`str`): The folder, or the name on the Hub.

    Returns:
        `tuple[PreTrainedModel, ProcessorMixin]`: the model and its processor.
    """
    import torch

    from t2vid_hf.models.loading import load_checkpoint

    model, processor, _ = load_checkpoint(path, lora=True)
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), processor


def tell_usage(name: str, usage: Usage) -> None:
    """Say on standard error what answering took.

    Args:
        name (`str`): What the model is called.
        usage ([`~t2vid_hf.evaluation.usage.Usage`]): What is told.
    """
    for reason, count in usage.plain.items():
        typer.echo(f"{name}: {count} questions were asked one by one: {reason}", err=True)
    if usage.tokens:
        size = f" ({usage.bytes / 1e6:,.1f} MB shared)" if usage.bytes else ""
        typer.echo(f"{name}: keys and values of at most {usage.tokens:,} tokens{size}", err=True)
