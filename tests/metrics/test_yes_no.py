"""Whether a reply says yes or no."""

import pytest

from t2vid_hf.metrics.yes_no import extract_yes_no


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        ("Yes", "yes"), ("no", "no"), ("No, it's not.", "no"), ("**Answer: Yes**", "yes"),
        ("The answer is no.", "no"),
        ("Yes... wait, no", "no"), ("<think>no</think>yes", "yes"), ('{"answer":"no"}', "no"), ("B. No", "no"),
        ("So, the answer would be: no.", "no"), ("Yes, no doubt", "yes"), ("不是", "no"), ("是的", "yes"),
        ("Да", "yes"),
        ("はい", "yes"), ("아니요", "no"), ("Nein.", "no"), ("Sí, se mueve", "yes"), ("لا", "no"), ("नहीं", "no"),
        ("It is not.", None), ("yes and no", None), ("Yes or no?", None), ("I know", None), ("Not sure", None),
        ("Nothing happens", None), ("There is no way", None), ("It is impossible to tell.", None), ("", None),
        ("!!!", None), ("It is true that no one moves.", None),
    ],
)  # fmt: skip
def test_yes_no(reply, word):
    assert extract_yes_no(reply) == word
