"""Forms of prediction files, each told by its content: `FORMS` names them in the order in which they are tried."""

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.forms import (
    lmms_samples,
    next_qa_results,
    original_lines,
    own_answers,
    task_counts,
    tempcompass_files,
    video_mme_template,
)
from t2vid_hf.metrics.forms.form import Form, object_at
from t2vid_hf.metrics.result_file import ResultFile

FORMS: dict[str, Form] = {
    "tempcompass_predictions": tempcompass_files.PREDICTIONS,
    "tempcompass_ratings": tempcompass_files.RATINGS,
    "videomme_template": video_mme_template.TEMPLATE,
    "acc_dict": task_counts.COUNTS,
    "lmms_eval": lmms_samples.SAMPLES,
    "t2vid_parsed": original_lines.PARSED_LINES,
    "t2vid": original_lines.LINES,
    "answers": own_answers.ANSWERS,
    "nextqa_results": next_qa_results.RESULTS,
}


def form_of(file: ResultFile) -> str:
    """The form of a file, a key of `FORMS`.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is of none.
    """
    if not file.value:
        raise InputError(f"{file.path}: it holds no prediction")
    if isinstance(file.value, list):
        for index, record in enumerate(file.value):
            object_at(record, file.place(index))
    for name, form in FORMS.items():
        if form.fits(file):
            return name
    known = "; ".join(form.looks for form in FORMS.values())
    raise InputError(f"{file.path}: predictions of an unknown form; known: {known}")


__all__ = ["FORMS", "Form", "form_of"]
