"""The benchmarks that predictions are scored for, a file each: `BENCHMARKS` names them."""

from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.benchmarks.image_questions import IMAGE_QUESTIONS
from t2vid_hf.metrics.benchmarks.long_video_bench import LONG_VIDEO_BENCH
from t2vid_hf.metrics.benchmarks.mlvu import MLVU
from t2vid_hf.metrics.benchmarks.mvbench import MVBENCH
from t2vid_hf.metrics.benchmarks.next_qa import NEXT_QA
from t2vid_hf.metrics.benchmarks.shape_clips import SHAPE_CLIPS
from t2vid_hf.metrics.benchmarks.tempcompass import TEMPCOMPASS
from t2vid_hf.metrics.benchmarks.video_mme import VIDEO_MME
from t2vid_hf.metrics.benchmarks.video_mme_v2 import VIDEO_MME_V2

BENCHMARKS: dict[str, Benchmark] = {
    "videomme": VIDEO_MME,
    "videomme_v2": VIDEO_MME_V2,
    "mvbench": MVBENCH,
    "tempcompass": TEMPCOMPASS,
    "nextqa": NEXT_QA,
    "mlvu": MLVU,
    "longvideobench": LONG_VIDEO_BENCH,
    "images": IMAGE_QUESTIONS,
    "clips": SHAPE_CLIPS,
}

__all__ = ["BENCHMARKS", "Benchmark"]
