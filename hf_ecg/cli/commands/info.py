"""Tell what is installed, or what a folder is."""

import click

from ..next_steps import after_corpus, line
from ..options import CHANNELS, as_command
from ..outcomes import Ending


@as_command("info", light=True)
@click.argument("path", required=False, metavar="[MODEL_CORPUS_OR_RECORD]")
@CHANNELS
def command(path, leads, rename) -> Ending:
    """Tell versions, devices and extras; or what a model folder, a run, a corpus or the file of a record is.

    \b
    hf-ecg info
    hf-ecg info out/demo/clep
    hf-ecg info record.hea
    """
    from ...signals.formats import record_file

    if path is not None and record_file(path) is not None:
        from ..record_facts import describe_record

        facts = describe_record(path, leads, rename)
    elif leads is not None or rename is not None:
        raise ValueError(f"--leads and --rename are for the file of a record, and {path} is none")
    elif path is not None:
        from ..folder_facts import describe_folder

        facts = describe_folder(path)
    else:
        from ..environment import devices, extras, versions

        missing = {name: f"without {', '.join(absent)}" if absent else "present" for name, absent in extras().items()}
        facts = {"versions": versions(), "devices": devices(), "extras": missing or "hf_ecg is not installed by pip"}
    return Ending(facts, "\n".join(_lines(facts)), next=_next(facts, path))


def _next(facts: dict, path: str | None) -> list[str]:
    kind = facts.get("kind")
    if kind == "record":
        return [line("plot", path, "--output", "ecg.png")]
    if kind == "corpus":
        return after_corpus(path, facts)
    if kind == "model":
        return [line("embed", "RECORDS", "--model", path, "--output", "embeddings.parquet")]
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
