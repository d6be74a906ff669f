"""Where a run's log goes: an unknown tracker, or one that is not installed, is told before anything is loaded.

transformers tells it when the trainer is made, and by then minutes of weights are read.
"""

from collections.abc import Iterable

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from t2vid_hf.errors import InputError, unknown


def check_trackers(report_to: Iterable[str]) -> None:
    """Refuse a tracker that cannot be reported to.

    Args:
        report_to (`Iterable[str]`): Names of trackers, as `TrainingArguments` has them when it is made.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one is unknown, or its package is not installed.

    Example:

    ```python
    >>> from t2vid_hf.training.trackers import check_trackers
    >>> try:
    ...     check_trackers(["wandbb"])
    ... except ValueError as error:
    ...     print(str(error)[:37])
    unknown tracker (report_to) 'wandbb';

    ```
    """
    for name in report_to:
        if name not in INTEGRATION_TO_CALLBACK:
            raise unknown("tracker (report_to)", name, ["none", "all", *INTEGRATION_TO_CALLBACK])
        try:
            INTEGRATION_TO_CALLBACK[name]()  # each looks for its package when it is made, and for no more
        except (RuntimeError, ImportError) as error:
            raise InputError(f"report_to: {name}: {error}; or give none") from None
