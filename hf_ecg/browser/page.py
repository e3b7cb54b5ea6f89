"""The page: what is on it, and what happens when a file is dropped."""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

from ..extras import install_words
from ..signals.leads import STANDARD_LEADS
from ..signals.record import Record
from . import parts
from .examiner import USUAL_TEXTS, Examiner, texts_of
from .uploads import MOST_BYTES, nameless, read_upload, with_lead

logger = logging.getLogger(__name__)
TITLE = "hf_ecg: an ECG, and what a model says of it"
METHODS = {"Which samples (integrated gradients)": "integrated_gradients", "Which beats (occlusion)": "occlusion"}
# A waveform is kept for the questions that follow, in memory alone, and no longer than this.
KEPT_S, SWEPT_S = 600, 60
AT_ONCE, WAITING = 1, 16
EXAMPLE = ("atrial_fibrillation", "left_bundle_branch_block")
AS_IT_SAYS, ONE_CHANNEL = "as the file says", "A file of one channel: its lead"
ASK, FIRST = "Ask in your own words, a line for each", "Drop an ECG first."
NOTHING_SAID = "There is nothing to explain: the model gave no answer."
DROP = (
    f"Drop the file of an ECG, of any format, up to {MOST_BYTES // 2**20} MB; of a WFDB record all its files. It is"
    " read here, once, and deleted. Names are not shown."
)


def gradio() -> Any:
    """The package that makes the page.

    Raises:
        ImportError: it is not installed.
    """
    # before its first import, which asks what is new
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ["GRADIO_TEMP_DIR"] = _uploads_folder()
    try:
        import gradio
    except ImportError as error:
        raise ImportError(f"the page in the browser needs gradio: {install_words('gradio', 'browser')}") from error
    return gradio


@cache
def _uploads_folder() -> str:
    """Of this process, for nobody else; gone when it ends."""
    folder = tempfile.mkdtemp(prefix="hf_ecg_uploads_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def build_page(model: str | Examiner = "ecg-text-small", corpus: str | None = None, simulated: bool = True):
    """The page as gradio's `Blocks`, not served yet; see `serve`.

    Args:
        model: a classifier or a dual encoder: a model inside the package, a folder, a Hub id, or an `Examiner`.
        corpus: folder of a prepared corpus, whose records are shown as neighbours.
        simulated: without a corpus, simulated records are.

    Raises:
        ValueError: a model that gives no answers.
        OSError: model or corpus are not there.
        ImportError: gradio or matplotlib is not installed.

    Example:
        >>> from hf_ecg.browser import build_page
        >>> page = build_page("ecg-text-small", simulated=False)
        >>> page.title
        'hf_ecg: an ECG, and what a model says of it'
    """
    gr = gradio()
    examiner = model if isinstance(model, Examiner) else Examiner.of(model, corpus, simulated)
    words, neighbours = examiner.asks_in_words, examiner.neighbours is not None
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(SWEPT_S, SWEPT_S)) as page:
        gr.HTML(parts.sentence(examiner.first_line, "research"), elem_id="first-line")
        gr.HTML(parts.sentence(DROP))
        kept = gr.State(None, time_to_live=KEPT_S)
        file = gr.File(label="ECG", file_count="multiple", elem_id="drop", height=150)
        named = gr.Dropdown([AS_IT_SAYS, *STANDARD_LEADS], value=AS_IT_SAYS, label=ONE_CHANNEL, elem_id="lead")
        example = gr.Button("Show a simulated example", size="sm", elem_id="example")
        problem, paper = gr.HTML(elem_id="problem"), gr.HTML(elem_id="paper")
        with gr.Row(equal_height=False):
            quality, measurements = (_column(gr, title) for title in ("Quality", "Measurements"))
        gr.HTML(parts.heading(f"What {examiner.name} says"))
        answers = gr.HTML(elem_id="answers")
        texts = gr.Textbox(label=ASK, placeholder="\n".join(USUAL_TEXTS[:2]), lines=2, visible=words, elem_id="words")
        ask = gr.Button("Ask", visible=words, elem_id="ask")
        gr.HTML(parts.heading("Why"))
        with gr.Row():
            asked = gr.Dropdown([], label="The answer to explain", elem_id="asked", min_width=280)
            how = gr.Dropdown(list(METHODS), value=next(iter(METHODS)), label="How", elem_id="how", min_width=280)
        explain = gr.Button("Explain", elem_id="explain")
        why = gr.HTML(elem_id="why")
        gr.HTML(parts.heading("Nearest records"), visible=neighbours)
        nearest = gr.HTML(elem_id="nearest", visible=neighbours)
        of = _Events(gr, examiner)
        examined = [file, problem, kept, paper, quality, measurements, answers, asked, why, nearest]
        for event, does, given, changed in (
            (file.upload, of.examined, [file, texts, named], examined),
            (named.input, of.renamed, [kept, texts, named], examined),
            (example.click, of.example, [texts], examined),
            (ask.click, of.asked, [kept, texts], [problem, answers, asked, why]),
            (explain.click, of.explained, [kept, asked, how], [why]),
        ):
            event(does, given, changed, concurrency_limit=AT_ONCE, concurrency_id="model", api_visibility="private")
    return page


def _column(gr, title: str):
    with gr.Column(min_width=300):
        gr.HTML(parts.heading(title))
        return gr.HTML(elem_id=title.lower())


class _Events:
    """What happens on the page: a list of new values for what an event changes, in the order of `build_page`."""

    def __init__(self, gr, examiner: Examiner):
        self.gr, self.examiner = gr, examiner

    def examined(self, paths, words: str, lead: str = AS_IT_SAYS) -> list:
        """Of uploads, which are deleted."""
        known = lead if lead in STANDARD_LEADS else None
        try:
            record, remarks = read_upload([str(path) for path in paths or ()], known)
        except ValueError as error:
            return [None, parts.sentence(f"This file was not read: {error}", "problem"), None, *self._nothing()]
        return self._examined(record, remarks, words)

    def renamed(self, record: Record | None, words: str, lead: str) -> list:
        """Of the record that is there, when a lead is chosen for its only channel; all else stays as it is."""
        if record is None or len(record.leads) != 1 or lead not in STANDARD_LEADS or record.leads == (lead,):
            return [self.gr.skip()] * (3 + len(self._nothing()))
        return self._examined(*with_lead(record, lead), words)

    def example(self, words: str) -> list:
        """Of a simulated record."""
        from ..simulation import simulate_ecg

        ecg = simulate_ecg(EXAMPLE, sampling_rate=500, seed=11)
        comments = ["simulated: no patient was recorded"]
        record = Record("example", ecg.signal, None, None, ecg.leads, ecg.sampling_rate, comments)
        return self._examined(nameless(record), ("Simulated: nobody was recorded.",), words)

    def asked(self, record: Record | None, words: str) -> list:
        """The answers to other words."""
        if record is None:
            return [parts.sentence(FIRST, "problem"), "", self._choices([]), ""]
        shown, labels = self._answers(record, words)
        return ["", shown, self._choices(labels), ""]

    def explained(self, record: Record | None, asked: str | None, how: str) -> str:
        """One answer explained."""
        if record is None or not asked:
            return parts.sentence(FIRST if record is None else NOTHING_SAID, "problem")

        def show() -> str:
            found = self.examiner.why(record, asked, METHODS[how])
            return parts.why(found, self.examiner.note)

        return _or_sentence(show)

    def _examined(self, record: Record, remarks: tuple[str, ...], words: str) -> list:
        shown, labels = self._answers(record, words)
        return [
            None,
            "",
            record,
            _or_sentence(lambda: parts.paper(record, remarks)),
            _or_sentence(lambda: parts.quality(record)),
            _or_sentence(lambda: parts.measurements(record)),
            shown,
            self._choices(labels),
            "",
            _or_sentence(lambda: self._nearest(record)),
        ]

    def _nothing(self) -> list:
        return ["", "", "", "", self._choices([]), "", ""]

    def _answers(self, record: Record, words: str) -> tuple[str, list[str]]:
        labels: list[str] = []

        def show() -> str:
            found = self.examiner.answers(record, texts_of(words or ""))
            labels.extend(str(one["label"]) for one in found)
            show_them = parts.values if self.examiner.gives_values else parts.answers
            return show_them(found, self.examiner.absent_leads(record))

        return _or_sentence(lambda: _naming_the_lead(record, show)), labels

    def _nearest(self, record: Record) -> str:
        if self.examiner.neighbours is None:
            return ""
        found = _naming_the_lead(record, lambda: self.examiner.nearest(record))
        return parts.nearest(found, self.examiner.neighbours.source)

    def _choices(self, labels: list[str]):
        return self.gr.Dropdown(choices=labels, value=labels[0] if labels else None)


def _naming_the_lead(record: Record, show: Callable[[], Any]) -> Any:
    """What `show` gives; of one channel that names no lead, where the model refuses it, how to name it."""
    try:
        return show()
    except ValueError as error:
        if len(record.leads) != 1 or record.leads[0] in STANDARD_LEADS:
            raise
        words = f"The only channel is called {record.leads[0]}, which the model does not take: choose its lead above."
        raise ValueError(words) from error


def _or_sentence(show: Callable[[], str]) -> str:
    """What a part of the page shows; where it cannot be had, why, in one sentence. The others stay as they are."""
    try:
        return show()
    except (ValueError, OSError, ImportError) as error:
        return parts.sentence(str(error), "problem")
    except Exception as error:  # a fault of ours: its message may hold anything, so its kind alone is told
        logger.error("a part of the page failed: %s", type(error).__name__)
        return parts.sentence(f"This part failed ({type(error).__name__}): a fault of the program.", "problem")
