"""Tell what is installed, or what a folder is."""

import json

import click

from ..options import CHANNELS, as_command


@as_command("info")
@click.argument("path", required=False, metavar="[MODEL_CORPUS_OR_RECORD]")
@CHANNELS
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def command(path, leads, rename, as_json) -> dict:
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
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(facts)))
    return facts


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
