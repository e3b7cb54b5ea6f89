"""CLEF's 18 downstream tasks (arXiv 2512.02180) and the Challenge 2017: which corpus, which column, which figure.

Tasks, losses and figures are those of the paper and of its released code. What the code does otherwise than it should
is not the default here: splits by the order of rows (`order_split`) are offered as `compat_order`, and lead II, which
the released evaluation takes although the paper reports lead I, is `lead="II"`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...checks import nearest
from ..judging.supervised import MULTI_LABEL, REGRESSION, SINGLE_LABEL

LOSSES = {MULTI_LABEL: "binary cross-entropy", SINGLE_LABEL: "cross-entropy", REGRESSION: "absolute error"}
HASH_SPLIT = "by patient: folds of a hash"


@dataclass(frozen=True)
class TaskCorpus:
    """A corpus of the tasks.

    Args:
        title: its name.
        lead: of its recordings by its true name; None for twelve leads, of which one is chosen.
        split: how its folds come about.
        prepare: words behind `hf-ecg prepare`.
        access: where its files are had, and under which terms.
    """

    title: str
    lead: str | None
    split: str
    prepare: str
    access: str


@dataclass(frozen=True)
class ClefTask:
    """One task.

    Args:
        name: as options and reports have it.
        title: in words.
        corpus: key of `CORPORA`, and of configurations such as `music_200hz`.
        column: label set, or column of numbers for a regression.
        problem: "multi_label" (macro AUROC), "single_label" (macro AUROC, accuracy and F1) or "regression" (MAE, R2).
        preferred: label set to take in its place where the corpus has it.
        unit: of the numbers.
        balanced: every class weighs the same in training.
        f1_classes: classes that the F1 is the mean of; empty: those that are counted.
        order_split: shares of train and validation in the order of the rows, as the released code splits; None where
            it splits otherwise.
        needs: what the column wants beside the corpus.
    """

    name: str
    title: str
    corpus: str
    column: str
    problem: str
    preferred: str | None = None
    unit: str | None = None
    balanced: bool = False
    f1_classes: tuple[str, ...] = ()
    order_split: tuple[float, float] | None = None
    needs: str = ""

    @property
    def loss(self) -> str:
        """What the paper trains on."""
        return LOSSES[self.problem]


_PHYSIONET = "https://physionet.org/content"
CORPORA = {
    "ptb_xl": TaskCorpus(
        "PTB-XL",
        None,
        "by patient: the publishers' folds",
        "ptb_xl --data_dir PTB_XL --output_dir DIR/ptb_xl",
        f"open, {_PHYSIONET}/ptb-xl/1.0.3",
    ),
    "csn": TaskCorpus(
        "Chapman-Shaoxing-Ningbo",
        None,
        "one record a patient: MERL's tables, or a hash",
        "csn --data_dir CSN --merl_splits MERL_SPLITS --output_dir DIR/csn",
        f"open, {_PHYSIONET}/ecg-arrhythmia/1.0.0",
    ),
    "mimic_iv_ecg": TaskCorpus(
        "MIMIC-IV-ECG with LVEF of echo notes",
        None,
        HASH_SPLIT,
        "mimic_iv_ecg --data_dir MIMIC_IV_ECG --output_dir MIMIC; hf-ecg prepare lvef --notes NOTES.csv --output"
        " lvef.csv; hf-ecg prepare targets --data MIMIC --table lvef.csv --patient_column subject_id --date_column"
        " time --targets lvef --labels lvef_class=lvef_under_50 --ties first --output_dir DIR/mimic_iv_ecg",
        f"ECGs open, {_PHYSIONET}/mimic-iv-ecg/1.0; notes by credentialed access, {_PHYSIONET}/mimic-iv-note",
    ),
    "music": TaskCorpus(
        "MUSIC, Holter recordings",
        "X",
        HASH_SPLIT,
        "music --data_dir MUSIC --output_dir DIR/music",
        f"open, {_PHYSIONET}/music-sudden-cardiac-death/1.0.1",
    ),
    "icentia11k": TaskCorpus(
        "Icentia11k",
        "MLI",
        HASH_SPLIT,
        "icentia11k --data_dir ICENTIA11K --output_dir DIR/icentia11k",
        f"open, {_PHYSIONET}/icentia11k-continuous-ecg/1.0",
    ),
    "mc_med": TaskCorpus(
        "MC-MED",
        "II",
        "by patient: the publishers' chronological split",
        "mc_med --data_dir MC_MED --output_dir DIR/mc_med",
        f"credentialed access, {_PHYSIONET}/mc-med/1.0.1",
    ),
    "aurora_bp": TaskCorpus(
        "Aurora-BP",
        "ECG",
        HASH_SPLIT,
        "aurora_bp --data_dir AURORA_BP --output_dir DIR/aurora_bp",
        "on request, https://github.com/microsoft/aurorabp-sample-data",
    ),
    "cinc2017": TaskCorpus(
        "Challenge 2017",
        "I",
        "by record, because patients are not known: folds of a hash",
        "cinc2017 --data_dir CINC2017 --output_dir DIR/cinc2017",
        f"open, {_PHYSIONET}/challenge-2017/1.0.0",
    ),
}


def _ptb_xl(label_set: str) -> ClefTask:
    return ClefTask(f"ptb_xl_{label_set}", f"PTB-XL {label_set}", "ptb_xl", label_set, MULTI_LABEL)


_LVEF = "hf-ecg prepare lvef and hf-ecg prepare targets make it from echo notes"
CLEF_TASKS = (
    *map(_ptb_xl, ("diagnostic", "subdiagnostic", "superdiagnostic", "form", "rhythm")),
    ClefTask("chapman", "Chapman statements", "csn", "statements", MULTI_LABEL, preferred="merl"),
    ClefTask(
        *("lvef_class", "LVEF under 50 %", "mimic_iv_ecg", "lvef_class", MULTI_LABEL),
        order_split=(0.8, 0.1),
        needs=_LVEF,
    ),
    ClefTask(
        *("music_outcome", "MUSIC outcome", "music", "outcome", SINGLE_LABEL), balanced=True, order_split=(0.7, 0.1)
    ),
    ClefTask("icentia_beat", "Icentia beat", "icentia11k", "beat", SINGLE_LABEL),
    ClefTask("icentia_rhythm", "Icentia rhythm", "icentia11k", "rhythm", SINGLE_LABEL),
    ClefTask("mc_med_ed_disposition", "MC-MED ED disposition", "mc_med", "ed_disposition", SINGLE_LABEL),
    ClefTask("mc_med_discharge", "MC-MED discharge disposition", "mc_med", "discharge_disposition", SINGLE_LABEL),
    ClefTask("mc_med_acuity", "MC-MED triage acuity", "mc_med", "acuity", SINGLE_LABEL),
    ClefTask(
        *("lvef", "LVEF", "mimic_iv_ecg", "lvef", REGRESSION),
        unit="%",
        order_split=(0.8, 0.1),
        needs=_LVEF,
    ),
    ClefTask("mc_med_sbp", "MC-MED systolic pressure", "mc_med", "triage_sbp", REGRESSION, unit="mmHg"),
    ClefTask("mc_med_dbp", "MC-MED diastolic pressure", "mc_med", "triage_dbp", REGRESSION, unit="mmHg"),
    ClefTask("aurora_sbp", "Aurora-BP systolic pressure", "aurora_bp", "sbp", REGRESSION, unit="mmHg"),
    ClefTask("aurora_dbp", "Aurora-BP diastolic pressure", "aurora_bp", "dbp", REGRESSION, unit="mmHg"),
)
# Not among CLEF's: the figure of the challenge is the mean F1 of normal, AF and other, noisy left out of the mean.
CHALLENGE_2017 = ClefTask(
    *("cinc2017", "Challenge 2017 rhythm", "cinc2017", "rhythm_class", SINGLE_LABEL),
    balanced=True,
    f1_classes=("normal", "AF", "other"),
)
TASKS = (*CLEF_TASKS, CHALLENGE_2017)


def choose_tasks(names: Sequence[str] | None = None) -> tuple[ClefTask, ...]:
    """Tasks of these names, all of them for none.

    Raises:
        ValueError: an unknown name (the nearest is named).

    Example:
        >>> from hf_ecg.evaluation.clef_tasks.task_table import CLEF_TASKS, choose_tasks
        >>> len(CLEF_TASKS), [task.corpus for task in choose_tasks(["icentia_beat", "cinc2017"])]
        (18, ['icentia11k', 'cinc2017'])
    """
    known = [task.name for task in TASKS]
    for name in names or ():
        if name not in known:
            raise ValueError(f"the task {name!r} is unknown{nearest(name, known)}, wanted some of {', '.join(known)}")
    return tuple(task for task in TASKS if not names or task.name in names)
