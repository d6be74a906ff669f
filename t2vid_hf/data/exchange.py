"""Rows -> a folder that ms-swift, LLaMA-Factory or InternVL trains on: JSON, and the media as files beside it.

A file is named by what is in it, so that questions about one text share its pages and no row's id becomes a path. The
folder is written whole or not at all, and replaces an earlier one. ms-swift asks for absolute paths, and InternVL's
meta file has them: who moves the folder writes it again. LLaMA-Factory's are relative to the folder.
"""

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from t2vid_hf.data.exchange_formats import FORMATS_ELSEWHERE, StoredImage, build_exchange_sample
from t2vid_hf.data.image_files import open_image
from t2vid_hf.data.repository import check_config_name
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row

ABOUT = "about.json"


def write_exchange(
    repository: Path,
    name: str,
    splits: Mapping[str, Callable[[], Iterator[Row]]],
    *,
    format: str,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Write rows for another trainer, into a folder `name`.

    Args:
        repository (`Path`): Where the folder is made.
        name (`str`): Name of the folder, and of the data set in the trainer.
        splits (`Mapping[str, Callable]`): For each split a function that yields its rows.
        format (`str`): One of `t2vid_hf.data.exchange_formats.FORMATS_ELSEWHERE`.
        about (`Mapping[str, Any]`): What is known of the data; written beside the files as `about.json`, with the rows
            of each split.

    Returns:
        `dict`: `about`, with "rows": `{split: n}`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the format cannot hold a row, or a medium cannot be read; what was there before
            stays.
    """
    if format not in FORMATS_ELSEWHERE:
        raise unknown("format", format, FORMATS_ELSEWHERE)
    check_config_name(name)
    repository.mkdir(parents=True, exist_ok=True)
    place = repository.resolve() / name
    rows: dict[str, int] = {}
    described: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=repository) as temporary:
        built = Path(temporary) / name
        built.mkdir()
        for split, generate in splits.items():
            file, in_sample = f"{split}.jsonl", f"{place}/" if format == "ms-swift" else ""
            columns: set[str] = set()
            with (built / file).open("w", encoding="utf-8") as lines:
                rows[split] = 0
                for row in generate():
                    images = [_store_image(image, built, in_sample, row["id"]) for image in row["images"]]
                    videos = [_store_video(video, built, in_sample, row["id"]) for video in row["videos"]]
                    sample = build_exchange_sample(row, format, images=images, videos=videos)
                    columns |= {key for key in ("images", "videos") if sample.get(key)}
                    lines.write(json.dumps(sample, ensure_ascii=False) + "\n")
                    rows[split] += 1
            key = name if split == "train" else f"{name}_{split}"
            described[key] = _DESCRIBE[format](place, file, rows[split], columns) if format in _DESCRIBE else None
        if format in _DESCRIBE:
            _write_json(built / _DESCRIPTIONS[format], described)
        written = {**about, "format": format, "rows": rows}
        _write_json(built / ABOUT, written)
        shutil.rmtree(place, ignore_errors=True)
        built.rename(place)
    return written


def _llama_factory(place: Path, file: str, rows: int, columns: set[str]) -> dict[str, Any]:
    return {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "messages", **{column: column for column in sorted(columns)}},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }


def _internvl(place: Path, file: str, rows: int, columns: set[str]) -> dict[str, Any]:
    # No augmentation: JPEG noise is for photographs, and pages are to be read.
    files = {"root": f"{place}/", "annotation": str(place / file)}
    return {**files, "data_augment": False, "repeat_time": 1, "length": rows}


_DESCRIBE = {"llama-factory": _llama_factory, "internvl": _internvl}
_DESCRIPTIONS = {"llama-factory": "dataset_info.json", "internvl": "meta.json"}


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _store_image(image: Any, built: Path, in_sample: str, key: str) -> StoredImage:
    if isinstance(image, Image.Image):
        file = io.BytesIO()
        image.save(file, "PNG")
        content = file.getvalue()
    else:
        content = _content(image, key, "image")
        image = open_image({"bytes": content, "path": image["path"]}, name=key)
    kind = (Image.open(io.BytesIO(content)).format or "png").lower()
    return StoredImage(in_sample + _store(content, built, "images", f".{kind}"), image.width, image.height)


def _store_video(video: Mapping[str, Any], built: Path, in_sample: str, key: str) -> str:
    return in_sample + _store(_content(video, key, "video"), built, "videos", Path(video["path"] or ".mp4").suffix)


def _content(medium: Mapping[str, Any], key: str, kind: str) -> bytes:
    if medium["bytes"] is not None:
        return medium["bytes"]
    try:
        return Path(medium["path"]).read_bytes()
    except OSError as error:
        raise InputError(f"row '{key}', {kind} {medium['path']}: {error}; give one that is a file") from None


def _store(content: bytes, built: Path, folder: str, suffix: str) -> str:
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    path = f"{folder}/{digest[:2]}/{digest[2:]}{suffix}"
    if not (built / path).exists():
        (built / path).parent.mkdir(parents=True, exist_ok=True)
        (built / path).write_bytes(content)
    return path
