"""Answers of a retrieval as numbered files."""

from collections.abc import Callable
from pathlib import Path

from ._figure import marked, save_figure
from .retrieval import hit_caption, plot_retrieval


class RetrievalPictures:
    """What `RetrievalSearch` shows its answers by: tells each, and draws it unless that is not wanted.

    Args:
        folder: of the pictures, `01_text_to_ecg.png` ...; None: none are drawn.
        tell: called with lines of text.
        ending: "png" or "svg".
        dpi: of PNG pictures.
        simulated: nobody recorded what is searched; each picture says so.
    """

    def __init__(
        self,
        folder: Path | None,
        tell: Callable[[str], object],
        ending: str = "png",
        dpi: float = 120,
        simulated: bool = False,
    ):
        self.folder, self.tell, self.ending, self.dpi, self.number = folder, tell, ending, dpi, 0
        self.title = marked(None, simulated)

    def __call__(self, words: str, hits: list, ecgs: dict, query_ecg, entry: dict) -> dict:
        self.number += 1
        self.tell(f"\n{entry['from']} to {entry['to']}: {words}")
        for rank, hit in enumerate(hits, 1):
            self.tell(f"  {hit_caption(hit, rank)}")
        if self.folder is None:
            return {}
        figure = plot_retrieval(words, hits, ecgs, query_ecg=query_ecg, title=self.title)
        name = f"{self.number:02d}_{entry['from']}_to_{entry['to']}.{self.ending}"
        return {"picture": str(save_figure(figure, self.folder / name, dpi=self.dpi))}
