"""What a trainer of transformers does otherwise when it saves: `run.json`, and on the Hub one whole release.

`Trainer` uploads the folder as it is, in the background, after every save; TRL writes a card of a text model. Here a
push is a release as `t2vid push` makes it. The price: nothing is published before the end of a run. Its checkpoints
stay in `output_dir`, and each can be pushed from there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from peft import PeftModel
from trl import SFTTrainer

from t2vid_hf.errors import InputError
from t2vid_hf.hub import release as engine
from t2vid_hf.hub.cards import write_model_card
from t2vid_hf.hub.release_part import ReleasePart, check_name, content_tag
from t2vid_hf.hub.release_terms import ReleaseTerms
from t2vid_hf.hub.transient import described, passes, status_of


class Releases:
    """Mixed into a trainer, before `SFTTrainer`."""

    def save_model(self: Any, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save what others load; with `push_to_hub` it is published, too, as [`~transformers.Trainer`] does it.

        Args:
            output_dir (`str`, *optional*): The folder; `None` takes that of the arguments, which is the one published.
            _internal_call (`bool`, *optional*, defaults to `False`): Whether `Trainer` saves a checkpoint of the way.
        """
        if _internal_call:  # of a checkpoint, by all ranks: it has the float32 weights of the run
            self.rows_taken.record["num_tokens"] = self.telemetry.tokens_until_now()
            self.rows_taken.record["seconds"] = self.facts.seconds()
            self._save_with_facts(output_dir)  # with run.json, so that it can be pushed
            return
        if output_dir is not None or not self.args.push_to_hub:
            self.save_only(output_dir)
        if self.args.push_to_hub:
            self.push_to_hub()

    def save_only(self: Any, output_dir: str | None = None) -> None:
        """Save the model in the types that others load, its processor and `run.json`; publish nothing.

        Args:
            output_dir (`str`, *optional*): The folder; `None` takes that of the arguments.
        """
        with self.loan.weights.release(to_save=True):
            self._save_with_facts(output_dir)

    def init_hf_repo(self: Any, token: str | None = None, private: bool | None = None) -> None:
        """Find the repository's name, and that there is a token, before anything trains; nothing is made on the Hub.

        Args:
            token (`str`, *optional*): Must be left out; see [`~Releases.push_to_hub`].
            private (`bool`, *optional*): No matter here: the repository is made when it is pushed to.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is no token, the Hub cannot be reached, or it is no name.
        """
        refuse_token(token)
        if not self.is_world_process_zero():
            return
        name = self.args.hub_model_id or Path(self.args.output_dir).absolute().name
        if self.args.push_to_hub and isinstance(self.model, PeftModel) and not self.facts.base_on_hub:
            raise InputError(
                f"push_to_hub: it would publish an adapter of {self.facts.base_model}, which is not on the Hub, so "
                f"that nobody could load it: publish the base and train from its name there, or leave push_to_hub out"
            )
        user = whoami()
        self.hub_model_id = name if "/" in name else f"{user}/{name}"
        check_name(self.hub_model_id)

    def create_model_card(
        self: Any,
        model_name: str | None = None,
        dataset_name: str | None = None,
        tags: str | Sequence[str] | None = None,
        **facts: Any,
    ) -> None:
        """Write the card of what was saved to `output_dir`, from its `run.json`.

        Args:
            model_name (`str`, *optional*): The card's title; `None` takes the repository's name.
            dataset_name (`str`, *optional*): A data set on the Hub that it was trained on, beside those of the mixture.
            tags (`str` or `Sequence[str]`, *optional*): Tags beside the card's own.
            **facts (`Any`): What [`~t2vid_hf.hub.cards.write_model_card`] takes besides: `tag`, `license`, `scores`.

        Raises:
            [`~t2vid_hf.errors.InputError`]: nothing was saved yet, or a fact is not of these weights.
        """
        if not self.is_world_process_zero():
            return
        facts["datasets"] = {**(facts.get("datasets") or {}), **({dataset_name: None} if dataset_name else {})}
        given = [tags] if isinstance(tags, str) else list(tags or ())
        write_model_card(Path(self.args.output_dir), name=self.hub_model_id, title=model_name, tags=given, **facts)

    def push_to_hub(
        self: Any,
        commit_message: str | None = None,
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        *,
        tag: str | None = None,
        **card: Any,
    ) -> str | None:
        """Save, write the card, and publish both as one release.

        Args:
            commit_message (`str`, *optional*): What the commit is called; `None` names the tag.
            blocking (`bool`, *optional*, defaults to `True`): Must stay `True`: a release ends with its tag.
            token (`str`, *optional*): Must be left out: the token is that of HF_TOKEN or the login.
            revision (`str`, *optional*): The branch; `None` takes `hub_revision`, else "main".
            private (`bool`, *optional*): Whether the repository is private; `None` takes `hub_private_repo`.
            tag (`str`, *optional*): The release's tag; `None` makes one of its content.
            **card (`Any`): What [`~Releases.create_model_card`] takes: `model_name`, `dataset_name`, `license`.

        Returns:
            `str` or `None`: the address of what was published; `None` on other ranks than the first.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it cannot be published, or not so; nothing was.
            [`~t2vid_hf.errors.Unfinished`]: the Hub failed in the middle; the same call goes on from there.
        """
        if not blocking:
            raise InputError("blocking=False: a release ends with its tag, and a program that ends before it has none; "
                             "leave it out")  # fmt: skip
        refuse_token(token)
        if self.hub_model_id is None:
            self.init_hf_repo()
        self.save_only()
        if not self.is_world_process_zero():
            return None
        parts = [ReleasePart(Path(self.args.output_dir), self.hub_model_id, "model")]
        if tag is None:
            self.create_model_card(**card)  # the content that the tag is made of has a card
            tag = content_tag(parts)
        self.create_model_card(**card, tag=tag)
        private = self.args.hub_private_repo if private is None else private
        terms = ReleaseTerms(
            tag=tag,
            message=commit_message,
            private=bool(private),
            revision=revision or self.args.hub_revision or "main",
        )
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        # looked up when it is called, so that it can be replaced
        return next(iter(engine.release(parts, terms).values()))

    def _save_with_facts(self: Any, output_dir: str | None) -> None:
        """Save, and write `run.json`; past PEFT's card, which would be laid on ours and names a base by its folder."""
        folder = Path(output_dir or self.args.output_dir)
        card = folder / "README.md"
        first = self.is_world_process_zero()
        kept = card.read_bytes() if first and card.is_file() else None
        super().save_model(output_dir, True)  # type: ignore[misc]
        if first:
            card.unlink(missing_ok=True)
            if kept is not None:
                card.write_bytes(kept)
            self.facts.write(self, folder)

    def _save_checkpoint(self: Any, model: Any, trial: Any) -> None:
        """Save a checkpoint; past TRL's own, which writes a card of weights that `output_dir` does not have yet."""
        super(SFTTrainer, self)._save_checkpoint(model, trial)  # type: ignore[misc]


def refuse_token(token: str | None) -> None:
    """Refuse a token as an argument: what is passed on ends up in files and tracebacks.

    Args:
        token (`str` or `None`): What was given.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is one.
    """
    if token is not None:
        raise InputError("token: it is taken from HF_TOKEN or from `hf auth login` alone; leave it out")


def whoami() -> str:
    """The user whose token writes to the Hub.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is none, or the Hub cannot be reached.
    """
    try:
        return str(HfApi().whoami()["name"])
    except Exception as error:
        if not passes(error) and status_of(error) is None and not isinstance(error, (OSError, ValueError)):
            raise
        raise InputError(
            f"push_to_hub: {described(error)}. Set HF_TOKEN or run `hf auth login`, and see that the Hub can be "
            f"reached; or leave push_to_hub out and publish later with `t2vid push`"
        ) from None
