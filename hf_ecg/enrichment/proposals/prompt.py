"""What a language model is asked about a report.

The question is FG-CLEP's ("What waveform features are most likely to be present in ECGs with these symptoms?",
arXiv 2505.11939, section on waveform features), in words of our own. A file of `prompts/` is never changed: a new
wording is a new version, because answers are kept by the text of the prompt.
"""

from pathlib import Path

FOLDER = Path(__file__).with_name("prompts")
DEFAULT_PROMPT = "waveform_features_v1"
PLACE = "{report}"


def load_prompt(name_or_path=DEFAULT_PROMPT) -> str:
    """A prompt of the package by its name, or any text file with `{report}` where the report goes.

    Raises:
        ValueError: no `{report}` in it, or several, or bytes that are not UTF-8.
        OSError: neither a prompt of the package nor a file.
    """
    path = Path(name_or_path)
    if path.suffix != ".txt":
        path = FOLDER / f"{name_or_path}.txt"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.txt")))
        raise FileNotFoundError(f"{name_or_path} is neither a .txt file nor one of the prompts {known}")
    try:
        prompt = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text in UTF-8: {error}") from error
    if prompt.count(PLACE) != 1:
        raise ValueError(f"{path} holds {PLACE} {prompt.count(PLACE)} times, wanted it once: the report goes there")
    return prompt


def fill_prompt(prompt: str, report: str) -> str:
    """The prompt with the report in its place, whatever the report holds."""
    before, _, after = prompt.partition(PLACE)
    return f"{before}{report}{after}"
