"""`t2vid push`: cards of checkpoints and data sets, and all of them on the Hub, complete under one tag or not there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2vid_hf.errors import InputError

if TYPE_CHECKING:
    from t2vid_hf.hub.release_files import RepoType
    from t2vid_hf.hub.release_part import ReleasePart
    from t2vid_hf.hub.release_terms import ReleaseTerms


def push(
    dataset: Annotated[
        list[str] | None, typer.Option(help="Folder of a data set, or FOLDER=user/name; may be given again.")
    ] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="Folder of a checkpoint or an adapter, or FOLDER=user/name; may be again.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="What `t2vid evaluate` wrote about the checkpoints, for their cards.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="user/name on the Hub; without it cards are written here.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag of the release; made from its content by default.")] = None,
    message: Annotated[str | None, typer.Option(help="What the commits are called.")] = None,
    private: Annotated[bool, typer.Option(help="Private repositories; a public one is an error.")] = False,
    revision: Annotated[str, typer.Option(help="Branch to commit to.")] = "main",
    create_pr: Annotated[bool, typer.Option(help="Open pull requests in place of commits and tags.")] = False,
    force: Annotated[bool, typer.Option(help="Move a tag that is there with other files.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Write cards here, say what would be sent, and send nothing.")] = False,
    license: Annotated[str | None, typer.Option(help="Licence of the checkpoints, as the Hub names it.")] = None,
    base_model: Annotated[
        str | None, typer.Option(help="The checkpoints' base on the Hub, where they were trained from a folder of it.")
    ] = None,
    base_revision: Annotated[str | None, typer.Option(help="Its revision, with --base_model.")] = None,
    accept_license: Annotated[
        bool, typer.Option(help="Publish data of non-commercial sources under their licence.")
    ] = False,
) -> None:
    """Publish checkpoints and data sets together, or write their cards alone."""
    from t2vid_hf.hub.release_part import ReleasePart

    given: list[tuple[str, RepoType]] = [(folder, "dataset") for folder in dataset or []]
    given += [(folder, "model") for folder in checkpoint or []]
    if not given:
        raise InputError("nothing to publish: give --dataset or --checkpoint")
    places = [(*_folder_and_name(folder, to), kind) for folder, kind in given]
    if any(name for _, name, _ in places) and not all(name for _, name, _ in places):
        raise InputError("some parts have a name on the Hub and some none: give --to user/name, or FOLDER=user/name")
    parts = [ReleasePart(folder, name, kind) for folder, name, kind in places if name]
    _refuse_unused(
        {"tag": tag is not None, "message": message, "private": private, "revision": revision != "main",
         "create_pr": create_pr, "force": force, "dry_run": dry_run} if not parts else {},
        "is of a release, and without a name only cards are written: give --to user/name",
    )  # fmt: skip
    _refuse_unused(
        {"scores": scores, "license": license, "base_model": base_model, "base_revision": base_revision}
        if not checkpoint else {},
        "is for checkpoints: give --checkpoint",
    )  # fmt: skip
    _refuse_unused({"accept_license": accept_license} if not dataset else {}, "is for data sets: give --dataset")
    if create_pr and tag is not None:
        raise InputError("--create_pr and --tag: a pull request has no tag until it is merged; give one of them")

    def write_cards(named: str | None) -> None:
        from t2vid_hf.hub.cards import write_dataset_card, write_model_card
        from t2vid_hf.hub.checkpoint_facts import is_trained_on

        sets = [(folder, name) for folder, name, kind in places if kind == "dataset" and name]
        for folder, name, kind in places:
            if kind == "dataset":
                write_dataset_card(folder, name=name, tag=named, accept_license=accept_license)
            else:
                trained_on = {name: named for data, name in sets if is_trained_on(folder, data)}
                told: dict[str, Any] = {"datasets": trained_on, "scores": scores, "license": license}
                told |= {"base_model": base_model, "base_revision": base_revision}
                write_model_card(folder, name=name, tag=named, **told)

    if not parts:
        write_cards(None)
        print(f"cards: {', '.join(str(folder / 'README.md') for folder, _, _ in places)}")
        return
    from t2vid_hf.hub.release_part import content_tag
    from t2vid_hf.hub.release_terms import ReleaseTerms

    if tag is None and not create_pr:
        write_cards(None)  # the content that the tag is made of has cards
        tag = content_tag(parts)
    write_cards(tag)
    terms = ReleaseTerms(tag, message=message, private=private, revision=revision, create_pr=create_pr, force=force)
    (show_plan if dry_run else publish)(parts, terms)


def publish_dataset(folder: Path, name: str, *, private: bool = False) -> None:
    """Publish a data set that was just built.

    Args:
        folder (`Path`): Its repository's folder.
        name (`str`): The repository on the Hub, `"user/name"`.
        private (`bool`, *optional*, defaults to `False`): Whether it is to be private.
    """
    push(dataset=[f"{folder}={name}"], private=private)


def publish(parts: Sequence["ReleasePart"], terms: "ReleaseTerms") -> None:
    """Release, and say where it is.

    Args:
        parts (`Sequence[ReleasePart]`): See [`~t2vid_hf.hub.release_part.ReleasePart`].
        terms ([`~t2vid_hf.hub.release_terms.ReleaseTerms`]): How.
    """
    from t2vid_hf.hub.release import release

    for title, address in release(parts, terms).items():
        print(f"{title}: {address}")


def show_plan(parts: Sequence["ReleasePart"], terms: "ReleaseTerms") -> None:
    """Say what a release would change, and change nothing.

    Args:
        parts (`Sequence[ReleasePart]`): See [`~t2vid_hf.hub.release_part.ReleasePart`].
        terms ([`~t2vid_hf.hub.release_terms.ReleaseTerms`]): How.
    """
    from t2vid_hf.hub.release import plan_release

    for part, planned in plan_release(parts, terms):
        sent = sum(part.files[path].size for path in planned.send)
        print(f"{part.title}, {f'tag {terms.tag}' if terms.tag else 'pull request'}: {len(planned.send)} files to "
              f"send, {sent:,} bytes; {len(planned.same)} there already; {len(planned.delete)} to delete")  # fmt: skip
        for path in planned.send:
            print(f"  + {path}  {part.files[path].size:,} bytes")
        for path in planned.delete:
            print(f"  - {path}  replaced by this release")
        for path in planned.stay:
            print(f"    {path}  on the Hub, not of a release: stays")
        for path in part.left_here:
            print(f"    {path}  here, not released")


def _refuse_unused(given: Mapping[str, object], reason: str) -> None:
    for name, value in given.items():
        if value:
            raise InputError(f"--{name} {reason}, or leave it out")


def _folder_and_name(given: str, to: str | None) -> tuple[Path, str | None]:
    """`FOLDER=user/name`, or a folder for the name that is for all."""
    if Path(given).is_dir():
        return Path(given), to
    folder, _, name = given.rpartition("=")
    if not folder or not Path(folder).is_dir():
        raise InputError(f"{folder or given}: no such folder")
    if not name:
        raise InputError(f"'{given}' ends with no name: give FOLDER=user/name")
    return Path(folder), name
