"""How a release is published: tag, branch, visibility, patience."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from huggingface_hub import HfApi

from t2vid_hf.errors import InputError
from t2vid_hf.hub.transient import Patience, persist

_NAME = re.compile(r"[\w+][\w.+-]*(/[\w+][\w.+-]*)*")


@dataclass(frozen=True)
class ReleaseTerms:
    """How parts are published.

    Args:
        tag (`str` or `None`): The tag that every repository gets; `None` only with `create_pr`.
        message (`str`, *optional*): What the commits are called; `None` names the tag.
        private (`bool`, *optional*, defaults to `False`): Whether the repositories are to be private. New ones are made
            so; one that is there and public is an error.
        revision (`str`, *optional*, defaults to `"main"`): The branch that is committed to; made where it is not there.
        create_pr (`bool`, *optional*, defaults to `False`): Whether to open pull requests in place of commits and tags.
        force (`bool`, *optional*, defaults to `False`): Whether a tag that is there with other files is moved.
        api (`HfApi`, *optional*): The Hub's client; by default one with the token of the environment or the login.
        patience ([`~t2vid_hf.hub.transient.Patience`], *optional*): How failures that pass are waited out.
        show (`Callable[[str], Any]`, *optional*, defaults to `print`): Told what happens.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no tag and no pull request, or both; or a tag or a branch of a name that git or
            a card's snippet cannot take, or of one name;
            or HF_ENDPOINT is no address.
    """

    tag: str | None
    message: str | None = None
    private: bool = False
    revision: str = "main"
    create_pr: bool = False
    force: bool = False
    api: HfApi = field(default_factory=HfApi)
    patience: Patience = field(default_factory=Patience)
    show: Callable[[str], Any] = print

    @cached_property
    def user(self) -> dict[str, Any]:
        """Whose token it is, as the Hub says; asked once for all parts."""
        return persist(self.api.whoami, patience=self.patience, show=self.show)

    def __post_init__(self) -> None:
        if (self.tag is None) != self.create_pr:
            raise InputError("a release has a tag, and pull requests have none until they are merged: give one of them")
        if not self.api.endpoint.startswith(("http://", "https://")):
            raise InputError(f"HF_ENDPOINT is '{self.api.endpoint}', and no address; give https://..., or unset it")
        for kind, name in (("tag", self.tag), ("branch", self.revision)):
            if name is not None and (not _NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock"))):
                raise InputError(f"'{name}' is no {kind}'s name; give letters, digits, '.', '_', '+', '-' and single "
                                 "'/', as in 'v1.0'")  # fmt: skip
        if self.tag in ("main", self.revision):
            raise InputError(f"'{self.tag}' is a branch, and a tag of its name would not be found: give another tag")
