"""One repository's way through a release: what is there, made, sent, committed, tagged, and what to say of it.

Each step may be done again: it asks the Hub what is there, and does what is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, ModelCard
from huggingface_hub.errors import HfHubHTTPError
from yaml import YAMLError

from t2vid_hf.errors import InputError
from t2vid_hf.hub.release_files import CARD
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.hub.release_terms import ReleaseTerms
from t2vid_hf.hub.remote import Changes, Remote, changes, look
from t2vid_hf.hub.transient import passes, persist, status_of

T = TypeVar("T")


@dataclass
class RepositoryRelease:
    """A part of a release on its way.

    Args:
        part ([`~t2vid_hf.hub.release_part.ReleasePart`]): What goes where.
        terms ([`~t2vid_hf.hub.release_terms.ReleaseTerms`]): How.
    """

    part: ReleasePart
    terms: ReleaseTerms

    def __post_init__(self) -> None:
        self.remote: Remote | None = None  # what the repository held when it was looked at last
        self.made = self.tagged = False
        self.sent: dict[str, CommitOperationAdd] = {}
        self.commit: str | None = None  # the one that holds the release
        self.url = ""  # of a pull request
        self.doing: str | None = None  # what is asked for: without an answer it may have been done

    def told(self) -> str:
        """What the repository holds, for a person."""
        if self.tagged:
            holds = f"complete, tag {self.terms.tag}"
        elif self.commit is not None:
            holds = f"commit {self.commit[:12]} holds the release, without its tag"
        elif self.remote is None:
            holds = "not there"
        else:
            sent = f"{len(self.sent)} files are sent and in no commit" if self.sent else "nothing of it is sent"
            holds = f"{'new and empty' if self.made else 'as it was'}, {sent}"
        unsure = f" (the last request, to {self.doing}, was not answered, and may have been done)" if self.doing else ""
        return f"{self.part.title}: {holds}{unsure}"

    @property
    def planned(self) -> Changes:
        """What the release changes in the repository as it was looked at last."""
        return changes(self.remote, self.part.files, self.part.repo_type)

    @property
    def address(self) -> str:
        """Where the release is: its tag, or the branch that holds it already and needs no pull request."""
        kind = "datasets/" if self.part.repo_type == "dataset" else ""
        return (
            f"{self.terms.api.endpoint}/{kind}{self.part.repo_id}/tree/{quote(self.terms.tag or self.terms.revision)}"
        )

    def look(self) -> None:
        """See what is there, and refuse what must not be done, before anything is.

        Raises:
            [`~t2vid_hf.errors.InputError`]: no token, no right to write, another visibility, a tag that holds something
                else, metadata of the card that the Hub refuses.
        """
        _ = self.part.files  # what is not whole ends here
        self._check_right()
        self._check_card()
        self.remote = self._persist(lambda: self._look_at(self.terms.revision) or self._look_at("main"))
        if self.remote is None:
            if self.terms.create_pr:
                raise InputError(f"{self.part.title} is not there, so no pull request can be opened: leave it out")
            return
        if self.terms.private and not self.remote.private:
            raise InputError(
                f"{self.part.title} is there already and public, and private was asked for: make it private in its "
                "settings first, or give another name"
            )
        self._check_refs()
        if self.terms.tag is not None:
            self._check_tag()

    def _persist(self, call: Callable[[], T], again: Callable[[BaseException], bool] = passes) -> T:
        try:
            return persist(call, patience=self.terms.patience, show=self.terms.show, again=again)
        except HfHubHTTPError as error:
            if not passes(error):
                self.doing = None  # it was answered: that it will not be done
            raise

    def _look_at(self, revision: str | None) -> Remote | None:
        return look(self.terms.api, self.part.repo_id, self.part.repo_type, revision)

    def _check_right(self) -> None:
        who = self.terms.user
        if who.get("auth", {}).get("accessToken", {}).get("role") == "read":
            raise InputError(
                "the token may only read: make one that may write, and run `hf auth login` or set HF_TOKEN"
            )
        owner = self.part.repo_id.split("/")[0]
        theirs = [who["name"], *(org["name"] for org in who.get("orgs", []))]
        if owner not in theirs and not self.terms.create_pr:
            raise InputError(f"'{self.part.repo_id}' is not yours to write to: the token is of {who['name']}, for "
                             f"{', '.join(theirs)}")  # fmt: skip

    def _check_card(self) -> None:
        try:
            card = ModelCard.load(self.part.files[CARD].path)
            self._persist(lambda: card.validate(repo_type=self.part.repo_type))
        except (ValueError, YAMLError) as error:
            if isinstance(error, (HfHubHTTPError, InputError)):
                raise
            raise InputError(f"{self.part.files[CARD].path}: the Hub refuses its metadata: {error}") from None

    def _check_refs(self) -> None:
        """A tag of a branch's name would be taken for the branch, and nothing can be committed to a tag."""
        ask = partial(self.terms.api.list_repo_refs, self.part.repo_id, repo_type=self.part.repo_type)
        refs = self._persist(ask)
        if self.terms.tag in {branch.name for branch in refs.branches}:
            raise InputError(f"'{self.terms.tag}' is a branch of {self.part.title}: give another tag")
        if self.terms.revision in {tag.name for tag in refs.tags} - {branch.name for branch in refs.branches}:
            raise InputError(
                f"'{self.terms.revision}' is a tag of {self.part.title}, and commits go to a branch: give one"
            )

    def _check_tag(self) -> None:
        there = self._persist(lambda: self._look_at(self.terms.tag))
        if there is None:
            return
        if not changes(there, self.part.files, self.part.repo_type).any:
            self.commit, self.tagged = there.head, True
        elif not self.terms.force:
            raise InputError(
                f"tag {self.terms.tag} of {self.part.title} is there already, with other files: give another tag, or "
                "force, which moves it"
            )

    def make(self) -> None:
        """Make the repository and the branch, where they are not there."""
        api, repo_id, repo_type = self.terms.api, self.part.repo_id, self.part.repo_type
        branch, private = self.terms.revision, self.terms.private
        if self.remote is None:
            self.doing, self.made = "make the repository", True
            create = partial(api.create_repo, repo_id, repo_type=repo_type, private=private)
            self._persist(lambda: self._look_at("main") or create())
        if branch != "main":
            self.doing = "make the branch"
            begin = partial(api.create_branch, repo_id, repo_type=repo_type, branch=branch)
            self._persist(lambda: self._look_at(branch) or begin())
        self.remote = self._persist(lambda: self._look_at(self.terms.revision))
        self.doing = None
        if self.terms.private and self.remote is not None and not self.remote.private:
            raise InputError(f"{self.part.title} is public, and private was asked for")

    def send(self) -> None:
        """Send the large files, which a commit then names; the small ones are in the commit itself."""
        for batch in self.part.batches(self.planned.send):
            additions = {path: CommitOperationAdd(path, self.part.files[path].source) for path in batch}
            upload = partial(self.terms.api.preupload_lfs_files, self.part.repo_id, additions.values())
            branch = {"revision": self.terms.revision, "create_pr": self.terms.create_pr}
            self._persist(partial(upload, repo_type=self.part.repo_type, free_memory=False, **branch))
            self.sent |= additions

    def commit_files(self) -> None:
        """One commit: files that are new or differ come, those that are superseded go. Then see that it holds all."""
        self.doing = "commit"
        if self.terms.create_pr:  # there is no telling whether one that got no answer was opened
            self.commit = self._persist(
                self._commit_once, again=lambda error: passes(error) and status_of(error) is not None
            )
        else:
            self.commit = self._persist(self._commit_once)
        self.doing = None
        if not self.terms.create_pr:
            held = self._persist(lambda: self._look_at(self.commit))
            left = changes(held, self.part.files, self.part.repo_type)
            if left.any:
                self.commit = None
                raise InputError(
                    f"the Hub's commit in {self.part.title} is without {', '.join(left.send[:3]) or 'deletions'}: does "
                    "a .gitignore of the repository name them?"
                )

    def _commit_once(self) -> str:
        """Commit what the branch is without. Whether an earlier try was done shows in the branch."""
        remote = self._look_at(self.terms.revision)
        if remote is None:
            raise InputError(f"{self.part.title} is gone")
        planned = changes(remote, self.part.files, self.part.repo_type)
        if not planned.any:
            return remote.head
        add = [self.sent.get(path) or CommitOperationAdd(path, self.part.files[path].source) for path in planned.send]
        done = self.terms.api.create_commit(
            self.part.repo_id,
            [*add, *(CommitOperationDelete(path, is_folder=False) for path in planned.delete)],
            commit_message=self.terms.message or f"Release {self.terms.tag or 'of ' + self.part.folder.name}",
            repo_type=self.part.repo_type,
            revision=self.terms.revision,
            create_pr=self.terms.create_pr,
            parent_commit=remote.head,
        )
        self.url = done.pr_url or ""
        return str(done.oid)

    def set_tag(self) -> None:
        """Set the tag to the commit; of pull requests there is none."""
        if self.terms.tag is not None:
            self.doing = "set the tag"
            self._persist(self._tag_once)
            self.doing, self.tagged = None, True

    def _tag_once(self) -> None:
        there = self._look_at(self.terms.tag)
        if there is not None and there.head != self.commit:
            if not self.terms.force:
                raise InputError(f"tag {self.terms.tag} of {self.part.title} was set by someone else in the meantime")
            self.terms.api.delete_tag(self.part.repo_id, repo_type=self.part.repo_type, tag=str(self.terms.tag))
            there = None
        if there is None:
            self.terms.api.create_tag(
                self.part.repo_id, repo_type=self.part.repo_type, tag=str(self.terms.tag), revision=self.commit
            )
