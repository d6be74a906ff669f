"""A release: checkpoints, adapters and data sets, each in a repository, complete under one tag or not there.

All files go first, then a commit in each repository, then the tags: of the models first, of the data sets last. Who
reads the tag never sees half. Nothing is remembered here between two runs: what is there is asked of the Hub, so the
same command goes on where a run was interrupted, and sends what is missing. The branch `main` between the first commit
and the last is not covered: cards name the tag.

`upload_folder` may make several commits and `Dataset.push_to_hub` gives up at one failed request (huggingface_hub 2.4,
datasets 5.2); `create_commit` makes one.
"""

from collections.abc import Sequence

from huggingface_hub.errors import HfHubHTTPError

from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.hub.release_terms import ReleaseTerms
from t2vid_hf.hub.remote import Changes
from t2vid_hf.hub.repository_release import RepositoryRelease
from t2vid_hf.hub.transient import described, passes, status_of


def plan_release(parts: Sequence[ReleasePart], terms: ReleaseTerms) -> list[tuple[ReleasePart, Changes]]:
    """What a release would change; nothing is written, here or on the Hub.

    Args:
        parts (`Sequence[ReleasePart]`): The parts; each repository once.
        terms ([`~t2vid_hf.hub.release_terms.ReleaseTerms`]): Tag, branch, visibility.

    Returns:
        `list[tuple[ReleasePart, Changes]]`: the parts as they would be published, models first.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it would be refused, as by [`release`].
        [`~t2vid_hf.errors.Unfinished`]: the Hub could not be reached.
    """
    return [(course.part, course.planned) for course in _looked_at(parts, terms)]


def release(parts: Sequence[ReleasePart], terms: ReleaseTerms) -> dict[str, str]:
    """Publish everything, or what is missing of it.

    Args:
        parts (`Sequence[ReleasePart]`): The parts; each repository once.
        terms ([`~t2vid_hf.hub.release_terms.ReleaseTerms`]): Tag, branch, visibility.

    Returns:
        `dict[str, str]`: "model user/name" or "data set user/name" -> its address.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a folder is not whole, a repository is named twice, there is no token or no
            right to write, another visibility, or a tag that holds something else. Nothing was written.
        [`~t2vid_hf.errors.Unfinished`]: the Hub could not be reached, or refused in the middle; the message says what
            each repository holds, and the same call goes on from there.
    """
    courses = _looked_at(parts, terms)
    open_ = [course for course in courses if not course.tagged]
    try:
        for step in (RepositoryRelease.make, RepositoryRelease.send, RepositoryRelease.commit_files):
            for course in open_:
                step(course)
        # the models' first: who finds the tag of a data set finds its model's
        for course in open_:
            course.set_tag()
    except KeyboardInterrupt:
        raise _unfinished("interrupted", courses) from None
    except InputError as error:
        raise _unfinished(str(error), courses) from None
    except Exception as error:
        if not passes(error) and status_of(error) is None:
            raise
        raise _unfinished(described(error), courses) from None
    return {course.part.title: course.url or course.address for course in courses}


def _looked_at(parts: Sequence[ReleasePart], terms: ReleaseTerms) -> list[RepositoryRelease]:
    """The parts, models first, each with what its repository holds."""
    names = [part.title for part in parts]
    if not names:
        raise InputError("nothing to release: give a checkpoint or a data set")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} is named for two parts of the release; each has a repository of its own")
    courses = [RepositoryRelease(part, terms) for part in sorted(parts, key=lambda part: part.repo_type == "dataset")]
    for course in courses:
        try:
            course.look()
        except KeyboardInterrupt:
            raise Unfinished("interrupted; nothing was changed") from None
        except HfHubHTTPError as error:
            if passes(error):
                raise Unfinished(f"{described(error)}; nothing was changed") from None
            raise InputError(f"{course.part.title}: {described(error)}") from None
        except Exception as error:
            if passes(error):
                raise Unfinished(f"the Hub cannot be reached ({described(error)}); nothing was changed") from None
            raise
    return courses


def _unfinished(reason: str, courses: Sequence[RepositoryRelease]) -> Unfinished:
    told = "; ".join(course.told() for course in courses)
    return Unfinished(f"{reason}. On the Hub now: {told}. The same command goes on from here")
