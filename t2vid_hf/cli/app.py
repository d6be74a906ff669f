"""The `t2vid` command: its sub-commands, each a file of this folder, and none loads torch before it needs it."""

import typer

from t2vid_hf.cli.build import build
from t2vid_hf.cli.convert_video_qa import convert_video_qa
from t2vid_hf.cli.evaluate import evaluate
from t2vid_hf.cli.extract_frames import extract_frames
from t2vid_hf.cli.info import info
from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.cli.merge import merge_adapter
from t2vid_hf.cli.push import push
from t2vid_hf.cli.render import render
from t2vid_hf.cli.script import run_app
from t2vid_hf.cli.train import PASSED_ON, train

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Long texts as video.")
app.command()(render)
app.command()(build)
app.command("clips")(make_clips)
app.command("frames")(extract_frames)
app.command("convert")(convert_video_qa)
app.command(context_settings=PASSED_ON, add_help_option=False)(train)
app.command()(evaluate)
app.command("merge")(merge_adapter)
app.command()(push)
app.command()(info)


def main() -> None:
    """Entry point of the command."""
    run_app(app)
