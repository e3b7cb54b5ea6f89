"""One HTML file with everything that a demonstration made: pictures inside, nothing loaded from elsewhere."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...cards import render_html
from ...files import atomic_file
from .plan import Plan

CAPTIONS = {
    "training.png": "How both trainings went: loss, and the figure by which the best epoch was kept.",
    "similarity.png": "Held-out ECGs (rows, by their label) against texts (columns). Compare within a column.",
    "embeddings.png": "Held-out ECGs in two dimensions: near each other where the model finds them alike.",
}


@dataclass(frozen=True)
class Answer:
    """What a model says of one file.

    Args:
        model: who says it.
        file: path of the record.
        truth: what the file, or its source, says.
        caveat: what the model learned from.
        found: as `classify_record` gives it, the highest first.
        picture: of the ECG with the answers.
    """

    model: str
    file: str
    truth: str
    caveat: str
    found: list[dict]
    picture: Path

    def words(self, most: int = 3) -> str:
        """The highest answers in a line."""
        return ", ".join(f"{one['class']} {_number(one):.2f}" for one in self.found[:most])


def write_page(plan: Plan, answers: Sequence[Answer], results: Sequence[str], pictures: Sequence[Path], card) -> Path:
    """Write the page of a demonstration.

    Args:
        plan: what was made.
        answers: of the packaged model, then of the trained one.
        results: a sentence each.
        pictures: files whose names `CAPTIONS` has.
        card: the trained model's.
    """
    shown = [{"image": _inline(path), "caption": CAPTIONS.get(path.name, path.name)} for path in pictures]
    text = render_html(
        "demonstration.html.jinja",
        simulated=plan.simulated,
        model=str(plan.model),
        answers=[{"answer": one, "image": _inline(one.picture)} for one in answers],
        results=list(results),
        pictures=shown,
        card=Path(card).read_text(encoding="utf-8"),
        next_commands=plan.next_commands(),
    )
    with atomic_file(plan.page) as file:
        file.write(text)
    return plan.page


def _number(answer: dict) -> float:
    return answer["cosine"] if answer["probability"] is None else answer["probability"]


def _inline(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(Path(path).read_bytes()).decode()}"
