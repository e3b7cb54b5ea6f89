"""The steps of a demonstration. One whose result is there is not done again."""

from collections.abc import Callable
from pathlib import Path

from ...clinical.tables import read_table
from ...data.corpus import load_corpus
from ...data.preparing import prepare_and_tell
from ...data.readers.ptb_xl import ptb_xl_corpus
from ...evaluation.judging.judged_tasks import MODEL, RANDOM, SUPERVISED
from ...evaluation.judging.prompt_report import judge_by_prompts
from ...evaluation.judging.record_classes import classify_record
from ...evaluation.loading import load_dual_encoder, pick_device
from ...evaluation.options import Companions, IntervalOptions
from ...evaluation.reports.card_section import read_report
from ...evaluation.reports.evaluation_report import write_report
from ...hub import write_card
from ...plotting import plot_answers, save_figure
from ...plotting.model_pictures import draw_model
from ...plotting.picture_files import draw_training
from ...pretrained_models import pretrained
from ...recipes_found import find_recipe
from ...simulation import simulate_ecg, simulated_corpus, write_wfdb
from ...simulation.corpus import STATEMENTS
from ...trained_on import trained_on_note
from ...training import load_recipe, pretrain
from ...training.recipe import as_override
from ...training.run_folder import RECIPE_NAME
from ..source_overrides import source_overrides
from .page import Answer, write_page
from .plan import RECORDS, TABLE, Plan

PACKAGED = "ecg-text-small"
FOLDS = {"train": [1, 2, 3, 4, 5, 6, 7], "validation": [8]}
TEST_FOLDS = [9, 10]
# no record of the corpus is made with it
SEED, CONDITION = 2026, "atrial_fibrillation"
SIMULATED_FILE = "atrial fibrillation, simulated: no patient was recorded"
# where nothing more is known of a model
CAVEAT = "it is not a medical device"
PIXELS_PER_INCH = 130
REPLICATES = 500


def run_demonstration(plan: Plan, tell: Callable[[str], None]) -> Path:
    """Make what is not there yet; the page.

    Args:
        plan: what to make, begun.
        tell: is handed each sentence.

    Raises:
        ValueError, OSError: see the steps' own functions.
        ImportError: matplotlib, or the package of the sentence encoder, is not installed.
    """
    return _Demonstration(plan, tell).run()


class _Demonstration:
    def __init__(self, plan: Plan, tell: Callable[[str], None]):
        self.plan, self.tell = plan, tell

    def run(self) -> Path:
        plan = self.plan
        first = self.answer_at_once()
        self.prepare()
        self.tell("3/6  training on ECGs and texts")
        self.train(plan.model, load_recipe(find_recipe(plan.recipe), source_overrides(plan.corpus)))
        self.tell("4/6  training on labels: the same network, records and time")
        self.train(plan.companion, self.companion_recipe())
        report = self.judge()
        return self.finish(first, report)

    def answer_at_once(self) -> Answer:
        """The packaged model on a file."""
        header = self.simulated_file()
        self.tell(f"1/6  {PACKAGED}, a model inside the package, reads {header}")
        return self.ask(pretrained(PACKAGED), PACKAGED, header, SIMULATED_FILE, "answer.png")

    def simulated_file(self) -> Path:
        header = self.plan.output / "record" / f"{CONDITION}.hea"
        if not header.is_file():
            write_wfdb(simulate_ecg([CONDITION], sampling_rate=500, seed=SEED), header.with_suffix(""))
        return header

    def ask(self, model: str, who: str, header: Path, truth: str, picture: str) -> Answer:
        """What a model says of a file, in words and as a picture."""
        encoder, processor = load_dual_encoder(model, pick_device(None))
        texts = [statement.sentence for statement in STATEMENTS.values()]
        found = sorted(classify_record(encoder, processor, str(header), texts), key=lambda one: -one["cosine"])
        path, caveat = self.plan.output / picture, trained_on_note(model) or CAVEAT
        figure = plot_answers(str(header), found, title=f"{header.name}: {truth}", note=caveat)
        save_figure(figure, path, dpi=PIXELS_PER_INCH)
        answer = Answer(who, str(header), truth, caveat, found, path)
        self.tell(f"     the file says: {truth}")
        self.tell(f"     the model says: {answer.words()}")
        self.tell(f"     {caveat}")
        return answer

    def prepare(self) -> None:
        plan = self.plan
        self.tell(f"2/6  a corpus in {plan.corpus}")
        if (plan.corpus / "README.md").is_file():
            return
        if plan.data is None:
            corpus = simulated_corpus(RECORDS, 100, 0, 1.0)
        else:
            corpus = ptb_xl_corpus(plan.data)
        _, told = prepare_and_tell(corpus, plan.corpus)
        self.tell(f"     {told}")

    def companion_recipe(self):
        plan = self.plan
        values = {"run.epochs": plan.companion_epochs, "data.label_sets": plan.label_sets}
        values["validation.label_sets"] = plan.label_sets
        overrides = source_overrides(plan.corpus, plan.config, FOLDS)
        return load_recipe(
            find_recipe("bce_ptb_xl"), [*overrides, *(as_override(key, value) for key, value in values.items())]
        )

    def train(self, folder: Path, recipe) -> None:
        if not (folder / "config.json").is_file():
            pretrain(recipe, folder, resume=(folder / RECIPE_NAME).is_file(), disconnect=False)
        self.tell(f"     model: {folder}")

    def judge(self) -> dict:
        plan, output = self.plan, self.plan.output / "label_text.json"
        self.tell("5/6  on records that were not trained on")
        if not output.is_file():
            report = judge_by_prompts(
                [str(plan.model)],
                str(plan.corpus),
                plan.prompts,
                folds=TEST_FOLDS,
                config=plan.config,
                companions=Companions((str(plan.companion),), random=True),
                intervals=IntervalOptions(REPLICATES),
            )
            write_report(report, output)
        report = read_report(output)
        for line in result_lines(report, plan.simulated):
            self.tell(f"     {line}")
        return report

    def finish(self, first: Answer, report: dict) -> Path:
        plan = self.plan
        self.tell("6/6  the file again, by the model that was just trained")
        header, truth = self.held_out_file()
        second = self.ask(str(plan.model), plan.model.name, header, truth, "answer_trained.png")
        note = "simulated records" if plan.simulated else None
        curves = draw_training([plan.model, plan.companion], plan.output / "training.png", title=note)
        prompts = plan.prompts[0]
        pictures = draw_model(
            str(plan.model), str(plan.corpus), plan.output / "pictures", prompts=prompts, config=plan.config,
            folds=TEST_FOLDS,
        )  # fmt: skip
        card = write_card(plan.model, [plan.output / "label_text.json"])
        lines = result_lines(report, plan.simulated)
        return write_page(plan, [first, second], lines, [curves, *pictures], card)

    def held_out_file(self) -> tuple[Path, str]:
        """A file that was not trained on, and what its source says of it."""
        plan = self.plan
        if plan.data is None:
            return self.simulated_file(), SIMULATED_FILE
        corpus = load_corpus(str(plan.corpus), config=plan.config, folds=[10])
        texts = {row["record_id"]: row["text"] for row in corpus.select_columns(["record_id", "text"])}
        files = {row["ecg_id"]: row["filename_lr"] for row in read_table(plan.data / TABLE, ("ecg_id", "filename_lr"))}
        file, record = min((files[record], record) for record in texts)
        return plan.data / f"{file}.hea", f"{texts[record]} (PTB-XL, fold 10)"


def result_lines(report: dict, simulated: bool) -> list[str]:
    """A sentence for each task of a report."""
    words = ((MODEL, "texts"), (SUPERVISED, "labels"), (RANDOM, "untrained"))
    lines = []
    for task in report["tasks"]:
        figures = [(word, task["systems"][name]["macro"]["auroc"]["value"]) for name, word in words]
        told = ", ".join(f"{word} {value:.3f}" for word, value in figures)
        lines.append(f"{task['label_set']}: {told} (macro AUROC, {task['records']} records)")
    return [*lines, *(["these are simulated records: it runs, and it is not a result"] if simulated else [])]
