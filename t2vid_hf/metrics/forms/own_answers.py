"""Our `answers.jsonl`: a line an answer, with the question, the reply and the model; several models may share it."""

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.metrics.asked import Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, first_record
from t2vid_hf.metrics.result_file import ResultFile, text_of


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    models = list(dict.fromkeys(str(record.get("model")) for record in file.value))
    if reading.model is not None and reading.model not in models:
        raise unknown(f"model in {file.path}:", reading.model, models)
    if reading.model is None and len(models) > 1:
        whose = "say whose to take with --model, or where two are compared with --models A,B"
        raise InputError(f"{file.path}: answers of {', '.join(models)}; {whose}")
    predicted = []
    for index, record in enumerate(file.value):
        if reading.model in (None, str(record.get("model"))):
            place = file.place(index)
            asked = reading.question(record, place)
            predicted.append(Predicted(asked, text_of(record, "reply", f"{place}, question {asked.id}")))
    return predicted


ANSWERS = Form(
    "lines of {model, id, kind, clip, question, expected, reply} (our answers.jsonl)",
    lambda file: {"reply", "expected"} <= set(first_record(file)),
    _read,
)
