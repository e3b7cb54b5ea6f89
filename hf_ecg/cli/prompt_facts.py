"""Which prompt sets the package has: what they ask about, where their words come from, and what they ask."""

import textwrap

from ..clinical.prompts import load_prompts, prompt_set_names

# A person reads lines of at most so many columns.
WIDTH = 100


def describe_prompt_sets() -> tuple[dict, list[str]]:
    """All prompt sets: label set, language, classes and source of each; and lines for a person."""
    sets, lines = [], []
    for name in prompt_set_names():
        found = load_prompts(name)
        sets.append(
            {
                "name": name,
                "label_set": found.label_set,
                "language": found.language,
                "classes": list(found.classes),
                "texts": sum(map(len, found.classes.values())),
                "source": found.source,
            }
        )
        number = f"{len(found.classes)} classes, {sets[-1]['texts']} texts"
        lines.append(f"{name}: {number}, {found.language}, label set {found.label_set}")
        lines += _indented(f"asks about {', '.join(found.classes)}")
        lines += _indented(f"source: {found.source}")
    return {"kind": "prompt sets", "sets": sets}, lines


def describe_prompt_set(name: str) -> tuple[dict, list[str]]:
    """One prompt set with the texts and the SCP statements of each class, and lines for a person.

    Raises:
        OSError: no set has this name.
    """
    found = load_prompts(name)
    facts = {
        "kind": "prompt set",
        "name": name,
        "label_set": found.label_set,
        "language": found.language,
        "aggregate": found.aggregate,
        "source": found.source,
        "classes": found.classes,
        "statements": {code: list(found.codes(code)) for code in found.classes},
    }
    lines = [f"{name}: label set {found.label_set}, {found.language}, {found.aggregate} of the texts of a class"]
    lines += _indented(f"source: {found.source}")
    for code, texts in found.classes.items():
        statements = found.codes(code)
        named = f" (statements {', '.join(statements)})" if statements not in ((), (code,)) else ""
        lines += _indented(f"{code}{named}: {'; '.join(texts)}")
    return facts, lines


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
