"""Pages and tables of published weights, rendered from the families' sources.

python -m hf_ecg.source_pages [CHECKOUT]
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from .auto import SOURCES
from .cards import render_text
from .files import atomic_file
from .models.shared.family import Source
from .models.shared.roles import ecg_encoder, model_role
from .processing.describe import describe_input

# Files of a checkout that hold the table -> the folder of the pages as it is seen from there.
TABLES = {"README.md": "model_cards/", "docs/models/index.md": ""}
# Folders of a checkout that hold the pages: one for people who read the checkout, one for the site.
PAGE_FOLDERS = ("model_cards", "docs/models")
# Between these lines it stands.
TABLE_BEGINS, TABLE_ENDS = "<!-- table of sources -->", "<!-- end of the table -->"


def source_pages(sources: Mapping[str, Source] = SOURCES) -> dict[str, str]:
    """File name -> page, one for each title: what `PAGE_FOLDERS` hold."""
    titles: dict[str, list[Source]] = {}
    for source in sources.values():
        titles.setdefault(source.title, []).append(source)
    return {page_name(title): _page(title, group) for title, group in titles.items()}


def page_name(title: str) -> str:
    """Name of the file in `model_cards/`: "ST-MEM" -> "st_mem.md"."""
    return re.sub(r"\W+", "_", title.lower()).strip("_") + ".md"


def source_table(sources: Iterable[Source] | None = None, pages: str = "model_cards/") -> str:
    """The table of all sources, or of some: those that differ in nothing but size share a line.

    Args:
        sources: default: those of every registered family.
        pages: the folder of the pages, as links of the table name it.
    """
    rows: dict[tuple, list[str]] = {}
    for source in SOURCES.values() if sources is None else sources:
        page = f"[{source.summary}]({pages}{page_name(source.title)})"
        key = (page, _paper_in_short(source), _input_in_short(source.feature_extractor()), source.licence.upper())
        rows.setdefault(key, []).append(f"`{source.name}`")
    lines = [f"| {', '.join(names)} | {' | '.join(key)} |" for key, names in rows.items()]
    return (
        "\n".join(["| source | model | paper | input | licence |", "| --- | --- | --- | --- | --- |", *lines]) + "\n"
    )


def with_table(text: str, pages: str = "model_cards/") -> str:
    """The text of a file of `TABLES` with the table as it is now.

    Raises:
        ValueError: the lines around the table are not there.
    """
    before, begin, rest = text.partition(TABLE_BEGINS)
    _, end, after = rest.partition(TABLE_ENDS)
    if not begin or not end:
        raise ValueError(f"there is no {TABLE_BEGINS} followed by {TABLE_ENDS} in this text")
    return f"{before}{begin}\n{source_table(pages=pages)}{end}{after}"


def source_facts(source: Source) -> dict:
    """What templates say of a source beyond its own fields: sizes of the network, and what goes in."""
    with torch.device("meta"):
        model = source.model(source.config())
    encoder, extractor = ecg_encoder(model), source.feature_extractor()
    return {
        "source": source,
        "hidden_size": encoder.config.hidden_size,
        "parameters": f"{encoder.num_parameters():,}",
        "all_parameters": f"{model.num_parameters():,}",
        "input": describe_input(extractor),
        "steps": list(map(_step_in_words, extractor.steps)),
        "fixed_length": extractor.num_samples is not None,
    }


def _page(title: str, sources: list[Source]) -> str:
    facts = [source_facts(source) for source in sources]
    first = sources[0]
    kind = model_role(first.model)
    return render_text(
        "source_page.md.jinja",
        title=title,
        sources=facts,
        source=first,
        input=facts[0]["input"],
        steps=facts[0]["steps"],
        longer_records=facts[0]["fixed_length"] and not facts[0]["input"]["several_crops"],
        classifiers=[told for told in facts if kind != "classifier" == model_role(told["source"].model)],
        kind=kind,
        model_class=first.model.__name__,
    )


def _step_in_words(step: Mapping) -> str:
    options = {key: value for key, value in step.items() if key != "name"}
    options = options.pop("filter", {}) | options
    return ", ".join([step["name"], *(f"{key} {value}" for key, value in options.items())])


def _paper_in_short(source: Source) -> str:
    """Its address where the citation names one of arXiv, else the citation."""
    found = re.search(r"arXiv (\d{4}\.\d{4,5})", source.paper)
    return f"[{found[0]}](https://arxiv.org/abs/{found[1]})" if found else source.paper


def _input_in_short(extractor) -> str:
    leads = len(extractor.leads)
    if any(step["name"] == "pick_lead" for step in extractor.steps):
        number = "one lead" if leads > 1 else f"lead {extractor.leads[0]}"
    else:
        number = f"{leads} leads"
    samples, rate = extractor.num_samples, extractor.sampling_rate
    length = "any length" if samples is None else f"{samples / rate:g} s"
    ways = [f"{step['method']} over each {step['over']}" for step in extractor.steps if step["name"] == "normalise"]
    return ", ".join([number, f"{rate:g} Hz", length, *ways])


def main(arguments: list[str] | None = None) -> None:
    """Render the pages and the tables of a checkout (by default of this one)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    checkout = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    for name, page in source_pages().items():
        for folder in PAGE_FOLDERS:
            with atomic_file(checkout / folder / name) as file:
                file.write(page)
    for name, pages in TABLES.items():
        text = with_table((checkout / name).read_text(encoding="utf-8"), pages)
        with atomic_file(checkout / name) as file:
            file.write(text)


if __name__ == "__main__":
    main()
