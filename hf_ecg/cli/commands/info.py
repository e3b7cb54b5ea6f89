"""Tell what is installed, what a folder is, or which prompt sets there are."""

import os

import click

from ..next_steps import TWELVE_LEADS_MODEL, after_corpus, after_model, line
from ..options import CHANNELS, LEFT_OPEN, as_command
from ..outcomes import Ending

PROMPTS = "prompts"


@as_command("info", light=True)
@click.argument("path", required=False, metavar="[MODEL_CORPUS_OR_RECORD|prompts]")
@CHANNELS
@LEFT_OPEN
def command(path, leads, rename, sampling_rate, units, record) -> Ending:
    """Tell versions, devices and extras; what a model folder, a run, a corpus or the file of a record is; or, with the
    word `prompts`, which prompt sets there are, or with a set's name, what it asks.

    \b
    hf-ecg info
    hf-ecg info out/demo/clep
    hf-ecg info record.hea
    hf-ecg info prompts
    hf-ecg info ptb_xl_rhythm
    """
    from ...signals.formats import record_file

    told = None
    left_open = {"sampling_rate": sampling_rate, "units": units, "record": record}
    is_told = any(value is not None for value in left_open.values())
    if path is not None and (asked := _asked_prompts(path)) is not None:
        facts, told = asked
    # of a file that is none its reader says what to do
    elif path is not None and (record_file(path) is not None or is_told or os.path.isfile(path)):
        from ..record_facts import describe_record

        facts = describe_record(path, leads, rename, **left_open)
    elif leads is not None or rename is not None:
        raise ValueError(f"--leads and --rename are for the file of a record, and {path} is not one")
    elif path is not None:
        from ..folder_facts import describe_folder

        facts = describe_folder(path)
    else:
        from ..environment import devices, extras, versions

        missing = {name: f"without {', '.join(absent)}" if absent else "present" for name, absent in extras().items()}
        facts = {"versions": versions(), "devices": devices(), "extras": missing or "hf_ecg is not installed by pip"}
    return Ending(facts, "\n".join(_lines(facts) if told is None else told), next=_next(facts, path))


def _asked_prompts(path: str) -> tuple[dict, list[str]] | None:
    """Facts and lines of all prompt sets, or of one; None where it is neither, or something here has that name."""
    from pathlib import Path

    from ...clinical.prompts import prompt_set_names

    if Path(path).exists() or path not in (PROMPTS, *prompt_set_names()):
        return None
    from ..prompt_facts import describe_prompt_set, describe_prompt_sets

    return describe_prompt_sets() if path == PROMPTS else describe_prompt_set(path)


def _next(facts: dict, path: str | None) -> list[str]:
    kind = facts.get("kind")
    if kind in ("prompt sets", "prompt set"):
        name = facts.get("name", "ptb_xl_rhythm")
        classify = ("evaluate", "classify", "RECORD.hea", "--model", TWELVE_LEADS_MODEL, "--prompts", name)
        return [line(*classify)] if kind == "prompt set" else [line("info", name), line(*classify)]
    if kind == "record":
        return [line("plot", path, "--output", "ecg.png")]
    if kind == "corpus":
        return after_corpus(path, facts)
    if kind == "model":
        return after_model(path, facts)
    return [] if path is not None else [line("info", "MODEL_CORPUS_OR_RECORD")]


def _lines(facts: dict, indent: str = "") -> list[str]:
    lines = []
    width = max(map(len, map(str, facts)), default=0)
    for name, value in facts.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{indent}{name}", *(line for entry in value for line in _lines(entry, indent + "  "))]
        else:
            told = ", ".join(map(str, value)) if isinstance(value, list) else value
            lines.append(f"{indent}{name:<{width}}  {told}")
    return lines
