"""Every source by its name, and the sample that is shipped.

A new data set is one file in this folder and one line here.
"""

from pathlib import Path

from t2vid_hf.sources import booksum, long_qa, longalpaca, longqlora, natural_questions, squad, squality
from t2vid_hf.sources.source import Source

# Without a source's name the first that knows the first record's shape is taken: the special ones come first.
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        squality.SOURCE,
        squad.SOURCE,
        longalpaca.SOURCE,
        longqlora.SOURCE,
        natural_questions.SOURCE,
        booksum.SOURCE,
        long_qa.SOURCE,
    )
}
SAMPLE = Path(__file__).parent / "sample.jsonl"
"""Fourteen documents written for this project (CC0), in the shape of `long_qa`."""
