"""Whether a file of lines is the benchmark's that it is to be scored as; the other forms tell it by themselves.

Lines look alike for all. Two kinds of question that are another benchmark's, and none that is this one's, are enough to
refuse; one kind is not, as "order" is both TempCompass's and MLVU's.
"""

from collections.abc import Sequence

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Predicted
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.forms.form import first_record
from t2vid_hf.metrics.result_file import ResultFile


def check_whose(benchmark: str, predicted: Sequence[Predicted], file: ResultFile) -> None:
    """Refuse another benchmark's file.

    Args:
        benchmark (`str`): What the file is to be scored as.
        predicted (`Sequence[Predicted]`): Its predictions.
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is another's.
    """
    own, record = BENCHMARKS[benchmark], first_record(file)
    held = {_plain(each.asked.group) for each in predicted}
    for name, other in BENCHMARKS.items():
        if name == benchmark:
            continue
        measured = any(metric in record for metric in other.metrics) and not any(m in record for m in own.metrics)
        kinds = held <= _plain_kinds(other.kinds) and len(held) > 1
        if measured or (kinds and own.kinds and not held & _plain_kinds(own.kinds)):
            raise InputError(f"{file.path}: questions of {name} ({', '.join(sorted(held)[:3])}), not of {benchmark}")


def _plain(kind: str) -> str:
    return kind.lower().replace(" ", "_").replace("-", "_")


def _plain_kinds(kinds: Sequence[str]) -> set[str]:
    return {_plain(kind) for kind in kinds}
