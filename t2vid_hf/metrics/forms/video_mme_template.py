"""Video-MME's `output_test_template.json`: a list of videos, each with its questions and what was said to them."""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, first_record, object_at
from t2vid_hf.metrics.result_file import ResultFile, text_of


def flat_records(file: ResultFile) -> list[dict[str, Any]]:
    """The questions of a template, each with what the template says of its video.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is of another shape.
    """
    flat = []
    for index, entry in enumerate(file.value):
        video = object_at(entry, file.place(index))
        questions = video.get("questions")
        if not isinstance(questions, list) or not questions:
            raise InputError(f"{file.place(index)}, video {video.get('video_id')}: it has no list of questions")
        about = {key: value for key, value in video.items() if key != "questions"}
        flat += [{**about, **object_at(asked, file.place(index))} for asked in questions]
    return flat


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    predicted = []
    for record in flat_records(file):
        place = f"{file.path}, video {record.get('video_id')}"
        asked = reading.question(record, place)
        predicted.append(Predicted(asked, text_of(record, "response", f"{place}, question {asked.id}")))
    return predicted


TEMPLATE = Form(
    "[{video_id, duration, domain, sub_category, questions: [{question_id, task_type, options, answer, response}]}] "
    "(output_test_template.json)",
    lambda file: "questions" in first_record(file),
    _read,
    ("videomme",),
)
