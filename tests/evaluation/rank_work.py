"""A rank's work without a model: python -m tests.evaluation.rank_work HOW, under `accelerate launch`."""

import os
import signal
import sys
import time

from t2vid_hf.errors import InputError, Unfinished, one_line_errors
from t2vid_hf.evaluation.ranks import all_ranks


def main() -> None:
    how = sys.argv[1]
    with all_ranks() as ranks:
        made = ranks.each(lambda: ranks.number)
        assert made == list(range(ranks.count)), made
        if how == "alone":
            if ranks.number == 1:
                raise InputError("of one alone")
        elif how == "all":
            raise InputError("of all")

        def work() -> None:
            if ranks.number == 1:
                time.sleep(0.2)
                if how == "defect":
                    raise KeyError("defect")
                if how == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise InputError("in the middle")
            while True:  # hours of answers
                ranks.check()
                time.sleep(0.01)

        if how == "end":
            ranks.alone(lambda: (_ for _ in ()).throw(Unfinished("at the end")))
        ranks.each(work)


if __name__ == "__main__":
    with one_line_errors():
        main()
