"""A benchmark asked of an endpoint: what its answers depend on, and those that it gives; what it refuses is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.asked_with import questions_asked
from t2vid_hf.evaluation.endpoint import SEED, Endpoint, Refusal
from t2vid_hf.evaluation.fed_media import Fed
from t2vid_hf.evaluation.image_messages import image_messages
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.question_files import Missing
from t2vid_hf.evaluation.requests_at_once import CONCURRENCY, chat_replies
from t2vid_hf.evaluation.resuming import AnswersFile
from t2vid_hf.evaluation.runs import Answer, judge


@dataclass(frozen=True)
class Asker:
    """How an endpoint is asked.

    Args:
        endpoint ([`~t2vid_hf.evaluation.endpoint.Endpoint`]): Who is asked.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
        max_new_tokens (`int`): The most tokens of a reply.
        jpeg_quality (`int`, *optional*): Quality of the frames that are sent, as JPEG; `None` sends PNG.
        concurrency (`int`, *optional*, defaults to `CONCURRENCY`): Requests at a time.
    """

    endpoint: Endpoint
    policy: VideoPolicy
    max_new_tokens: int
    jpeg_quality: int | None = None
    concurrency: int = CONCURRENCY

    @property
    def _sent(self) -> dict[str, Any]:
        images = "png" if self.jpeg_quality is None else f"jpeg, quality {self.jpeg_quality}"
        return {"images": images, "temperature": 0, "seed": SEED}

    def settings(self) -> dict[str, Any]:
        """What the replies depend on, as far as it is known here; see [`AnswersFile.begin`]."""
        return {
            "weights": self.endpoint.identity,
            "frames": asdict(self.policy),
            "sent": self._sent,
            "max_new_tokens": self.max_new_tokens,
        }

    def asked_with(self, items: Sequence[Item], *, fed: Mapping[str, Fed], media: Mapping[str, str]) -> dict[str, Any]:
        """What is recorded beside the scores; what the server keeps to itself is `None`.

        Args:
            items (`Sequence[Item]`): The questions, at least one.
            fed (`Mapping[str, Fed]`): What is shown for each, by its name; empty where that is not known.
            media (`Mapping[str, str]`): For each question a digest of what is shown.
        """
        images = media_inputs(items[0].row, self.policy).images
        return {
            "dtype": None,
            "attention": None,
            "endpoint": {
                "url": self.endpoint.url,
                "model": self.endpoint.model,
                "weights": "not known: the model's name stands for them",
                **self._sent,
            },
            "frames": {**asdict(self.policy), "told": str(self.policy)},
            "first_question": {"pixels": [list(image.shape) for image in images]},
            **questions_asked(items, fed=fed, media=media),
        }

    def ask_on(
        self, file: AnswersFile, name: str, items: Sequence[Item], *, progress: str | None = None
    ) -> tuple[list[Answer], list[Missing]]:
        """Ask what is not answered yet, and write each answer as it comes.

        Args:
            file ([`~t2vid_hf.evaluation.resuming.AnswersFile`]): Where answers go, and are.
            name (`str`): The model's name there, for which the file has been begun.
            items (`Sequence[Item]`): The questions.
            progress (`str`, *optional*): The name of a progress bar; `None` shows none.

        Returns:
            `tuple[list[Answer], list[Missing]]`: answers in the order of the questions, and what the server refuses.

        Raises:
            [`~t2vid_hf.errors.Unfinished`]: the server fails, or refuses all.
            [`~t2vid_hf.errors.InputError`]: it does not let in, or has no such model.
        """
        said, refused = file.replies(name), {}
        left = [item for item in items if item.id not in said]
        asked = image_messages([item.row for item in left], self.policy, jpeg_quality=self.jpeg_quality)
        came = chat_replies(
            self.endpoint,
            asked,
            max_new_tokens=self.max_new_tokens,
            concurrency=self.concurrency,
            begun=bool(said),
        )
        with tqdm(total=len(left), desc=progress, unit=" questions", delay=1, disable=progress is None) as bar:
            for number, reply in came:
                item = left[number]
                bar.update()
                if isinstance(reply, Refusal):
                    refused[item.id] = str(reply)
                    continue
                said[item.id] = reply
                file.append(judge([item], [reply])[0].record(name))
        answered = [item for item in items if item.id in said]
        missing = [Missing(item.id, item.cluster, refused[item.id]) for item in items if item.id in refused]
        return judge(answered, [said[item.id] for item in answered]), missing


def frames_policy(
    *, video: str | None, num_frames: int | None, fps: float | None, max_frames: int | None
) -> VideoPolicy:
    """How an endpoint's videos are taken: as frames; where nothing is said, as many as in the paper.

    Args:
        video (`str` or `None`): The option --video.
        num_frames (`int` or `None`): The option --num_frames.
        fps (`float` or `None`): The option --fps.
        max_frames (`int` or `None`): The option --max_frames.

    Raises:
        [`~t2vid_hf.errors.InputError`]: native video is asked for, or the numbers contradict each other.
    """
    if video == "native":
        raise InputError("--video native: an endpoint is sent frames, as images; leave it out, or give as_frames")
    return VideoPolicy(video or "as_frames", num_frames=num_frames, fps=fps, max_frames=max_frames)  # type: ignore[arg-type]
