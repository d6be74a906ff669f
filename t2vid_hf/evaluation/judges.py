"""Who may judge replies: a chat model on this machine, of text alone, or a model behind an endpoint. Greedy, both."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.endpoint import Refusal
from t2vid_hf.evaluation.endpoint_address import check_online, find_endpoint, is_address
from t2vid_hf.evaluation.requests_at_once import CONCURRENCY, chat_replies
from t2vid_hf.metrics.judged import Judge

MAX_NEW_TOKENS = 512
"""A letter takes one; the others are for models that think first."""


def open_judge(
    given: str, kept: Path, *, key: str | None = None, timeout: float | None = None, concurrency: int = CONCURRENCY
) -> Judge:
    """A judge, whose model is loaded, or whose server is called, when it is asked for the first time.

    Args:
        given (`str`): A checkpoint, or `MODEL@http://host:port/v1`.
        kept (`Path`): The file that what it says is kept in.
        key (`str`, *optional*): The token that an endpoint is sent.
        timeout (`float`, *optional*): The most seconds that an endpoint's reply may take.
        concurrency (`int`, *optional*, defaults to `CONCURRENCY`): Requests at a time.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such checkpoint or address.
    """
    if not is_address(given):
        local = LocalJudge(given)
        return Judge(given, local.identity, local.ask, kept)
    endpoint = find_endpoint(given, key=key, timeout=timeout)

    def ask(prompts: Sequence[str]) -> Iterator[tuple[int, str | None]]:
        check_online()
        endpoint.check()
        chats = enumerate([{"role": "user", "content": prompt}] for prompt in prompts)
        for number, came in chat_replies(endpoint, chats, max_new_tokens=MAX_NEW_TOKENS, concurrency=concurrency):
            yield number, None if isinstance(came, Refusal) else came

    return Judge(endpoint.model, endpoint.identity, ask, kept)


class LocalJudge:
    """A chat model of text on this machine.

    Args:
        path (`str`): A folder, or a name on the Hub.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such checkpoint, or it has no chat template.
    """

    def __init__(self, path: str) -> None:
        from transformers import AutoTokenizer

        from t2vid_hf.models.weights_hash import weights_hash

        self._path = path
        weights = weights_hash(path)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise _no_judge(path, error) from None
        if not self._tokenizer.chat_template:
            raise InputError(f"--judge {path}: its tokenizer has no chat template; give a chat model, not a base model")
        template = sha256(str(self._tokenizer.chat_template).encode()).hexdigest()
        self.identity = f"{weights[:32]}:{template[:16]}"

    def ask(self, prompts: Sequence[str]) -> Iterator[tuple[int, str | None]]:
        """What it says to prompts, one after the other.

        Args:
            prompts (`Sequence[str]`): The prompts.

        Yields:
            `tuple[int, str]`: the number of a prompt, and what it says.

        Raises:
            [`~t2vid_hf.errors.InputError`]: its weights cannot be loaded.
        """
        model = self._load()
        for number, prompt in enumerate(prompts):
            inputs = self._tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                add_generation_prompt=True,
                return_dict=True,
                return_tensors="pt",
                enable_thinking=False,  # Qwen3's template has it; others pass over it
            ).to(model.device)
            inputs.pop("token_type_ids", None)
            tokens = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False, num_beams=1)
            yield number, self._tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)

    def _load(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        from t2vid_hf.models.loaded_weights import check_loaded

        try:
            model, info = AutoModelForCausalLM.from_pretrained(
                self._path, trust_remote_code=False, dtype="auto", output_loading_info=True
            )
            check_loaded(info)
        except (OSError, ValueError) as error:
            raise _no_judge(self._path, error) from None
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _no_judge(path: str, error: Exception) -> InputError:
    said = str(error).strip().splitlines()
    return InputError(f"--judge {path}: no chat model of text: {said[0] if said else type(error).__name__}")
