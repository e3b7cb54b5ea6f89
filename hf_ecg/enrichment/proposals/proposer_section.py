"""The proposer that a name and its settings stand for; only what it needs is imported."""

from dataclasses import dataclass

from huggingface_hub.dataclasses import strict

from .asking import Proposer
from .prompt import DEFAULT_PROMPT, load_prompt

TABLE, ENDPOINT, LOCAL = PROPOSERS = ("table", "endpoint", "local")


@strict
@dataclass
class ProposerSection:
    """Who is asked for waveform features.

    Args:
        name: "table" (embedded, the default), "endpoint" (OpenAI-compatible) or "local" (a transformers model).
        model: name that the endpoint serves; of a local model its folder, Hub id or .gguf file.
        prompt: name or .txt file.
        max_tokens: of an answer.
        base_url, api_key_variable, timeout, temperature, seed: of an endpoint, see `EndpointProposer`.
        gguf_file, device, batch_size, chat, begin, stop, repetition_penalty: of a local model, see `LocalProposer`.
        concurrency: reports asked about at the same time.
    """

    name: str = TABLE
    model: str | None = None
    prompt: str = DEFAULT_PROMPT
    max_tokens: int = 512
    base_url: str | None = None
    api_key_variable: str = "HF_ECG_API_KEY"
    timeout: float = 120.0
    temperature: float = 0.0
    seed: int = 0
    gguf_file: str | None = None
    device: str | None = None
    batch_size: int = 8
    chat: bool = True
    begin: str = ""
    stop: str | None = None
    repetition_penalty: float = 1.0
    concurrency: int = 8


def make_proposer(section: ProposerSection) -> Proposer:
    """The proposer of a section.

    Raises:
        ValueError: an unknown name, a model or address that is missing.
        OSError: a prompt or model that is not there.
    """
    if section.name not in PROPOSERS:
        raise ValueError(f"the proposer is {section.name!r}, wanted one of {', '.join(PROPOSERS)}")
    if section.name == TABLE:
        from .table import TableProposer

        return TableProposer()
    if not section.model or (section.name == ENDPOINT and not section.base_url):
        missing = "a model" + " and a base_url" * (section.name == ENDPOINT)
        raise ValueError(f"the proposer {section.name} needs {missing}")
    prompt = load_prompt(section.prompt)
    if section.name == ENDPOINT:
        from .endpoint import EndpointProposer

        sampling = {"max_tokens": section.max_tokens, "temperature": section.temperature, "seed": section.seed}
        return EndpointProposer(
            section.base_url, section.model, prompt, section.api_key_variable, section.timeout, **sampling
        )
    from .local import LocalProposer

    return LocalProposer(
        section.model,
        prompt,
        section.gguf_file,
        section.device,
        section.max_tokens,
        section.batch_size,
        section.chat,
        section.begin,
        section.stop,
        section.repetition_penalty,
    )
