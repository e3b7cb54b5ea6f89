"""The simulated corpus: records with known truth in the columns of every prepared corpus."""

from dataclasses import asdict, dataclass

from datasets import Value

from ..clinical.scp import Statement, compose_text, label_sets, labels_of
from ..data.builder import Corpus
from ..data.corpus_card import CorpusCard
from ..data.schema import row_features
from ..signals.leads import STANDARD_LEADS
from .conditions import statement_codes
from .lead_field import GAIN
from .simulator import SimulatedECG, simulate_ecg

SECONDS = 10
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}
LABEL_SETS = ("superdiagnostic", "diagnostic", "form", "rhythm")
# Sentences and classes of PTB-XL's table (scp_statements.csv, Wagner et al. 2020), in its order: equal statements have
# equal texts in both corpora.
STATEMENTS = {
    code: Statement(code, sentence, kind == "diagnostic", kind == "form", kind == "rhythm", superclass, subclass)
    for code, sentence, kind, superclass, subclass in (
        ("NORM", "normal ECG", "diagnostic", "NORM", "NORM"),
        ("IMI", "inferior myocardial infarction", "diagnostic", "MI", "IMI"),
        ("LVH", "left ventricular hypertrophy", "diagnostic", "HYP", "LVH"),
        ("ISC_", "non-specific ischemic ST-T changes", "diagnostic", "STTC", "ISC_"),
        ("CRBBB", "complete right bundle branch block", "diagnostic", "CD", "CRBBB"),
        ("CLBBB", "complete left bundle branch block", "diagnostic", "CD", "CLBBB"),
        ("1AVB", "first degree AV block", "diagnostic", "CD", "_AVB"),
        ("PVC", "ventricular premature complex", "form", None, None),
        ("STD_", "non-specific ST depression", "form", None, None),
        ("SR", "sinus rhythm", "rhythm", None, None),
        ("AFIB", "atrial fibrillation", "rhythm", None, None),
        ("STACH", "sinus tachycardia", "rhythm", None, None),
        ("SBRAD", "sinus bradycardia", "rhythm", None, None),
    )
}
# One patient of each ten takes the next entry: every fold holds the same mix. A sinus rhythm goes without saying.
_MIX = (
    (), ("atrial_fibrillation",), ("left_ventricular_hypertrophy",), (), ("inferior_infarction",),
    ("left_bundle_branch_block",), ("sinus_bradycardia",), ("right_bundle_branch_block",), ("st_depression",),
    ("first_degree_av_block",), ("ventricular_premature_complexes",), ("sinus_tachycardia",), (),
    ("atrial_fibrillation", "st_depression"), ("inferior_infarction", "first_degree_av_block"),
    ("sinus_tachycardia", "st_depression"), ("left_bundle_branch_block", "atrial_fibrillation"), (),
    ("left_ventricular_hypertrophy", "st_depression"), ("right_bundle_branch_block", "first_degree_av_block"),
    ("inferior_infarction", "ventricular_premature_complexes"), ("atrial_fibrillation",),
    ("sinus_bradycardia", "left_bundle_branch_block"), ("left_ventricular_hypertrophy", "atrial_fibrillation"),
    ("ventricular_premature_complexes", "sinus_tachycardia"), ("sinus_bradycardia", "inferior_infarction"),
    ("right_bundle_branch_block", "ventricular_premature_complexes"),
)  # fmt: skip
_FOLDS = 10
_PARAMETERS = ("heart_rate", "pr_ms", "qrs_ms", "qt_ms", "axis_degrees")


@dataclass(frozen=True)
class SimulatedRecord:
    """One record to simulate: its number, its patient's, and the corpus's seed."""

    number: int
    patient: int
    seed: int

    @property
    def record_id(self) -> str:
        return f"simulated_{self.number:06d}"

    @property
    def fold(self) -> int:
        return 1 + self.patient % _FOLDS

    @property
    def conditions(self) -> tuple[str, ...]:
        return _MIX[(self.patient // _FOLDS + self.seed) % len(_MIX)]


@dataclass(frozen=True)
class RecordSimulator:
    """Makes the rows; an instance is what worker processes share."""

    sampling_rate: int
    noise: float

    def simulate(self, record: SimulatedRecord) -> SimulatedECG:
        """The record's ECG: a function of the corpus's seed and the record's number alone."""
        return simulate_ecg(
            record.conditions,
            self.sampling_rate,
            SECONDS,
            seed=(record.seed, 1, record.number),
            patient_seed=(record.seed, 0, record.patient),
            noise=self.noise,
        )

    def __call__(self, record: SimulatedRecord) -> dict:
        ecg = self.simulate(record)
        codes = dict.fromkeys(statement_codes(ecg.conditions), 100.0)
        parameters = asdict(ecg.parameters)
        return {
            "record_id": record.record_id,
            "patient_id": f"simulated_{record.patient:06d}",
            "signal": ecg.counts.reshape(-1),
            "num_samples": ecg.counts.shape[1],
            "sampling_rate": float(self.sampling_rate),
            "leads": list(ecg.leads),
            "gain": [float(GAIN)] * len(ecg.leads),
            "baseline": [0.0] * len(ecg.leads),
            "age": 90.0 if ecg.age > 89 else float(ecg.age),
            "sex": ecg.sex,
            "fold": record.fold,
            "report": write_report(ecg),
            "text": compose_text(codes, STATEMENTS),
            **{name: parameters[name] for name in _PARAMETERS},
            # every label set was annotated: what is not there is none of it
            **{name: labels_of(codes, classes) or [] for name, classes in _label_sets().items()},
        }


def simulated_corpus(num_records: int = 2000, sampling_rate: int = 100, seed: int = 0, noise: float = 1.0) -> Corpus:
    """A corpus of simulated records to prepare.

    Args:
        num_records: at least 10. The first of a larger corpus are those of a smaller one.
        sampling_rate: hertz.
        seed: of everything.
        noise: factor on the noise, see `simulate_ecg`.

    Raises:
        ValueError: a number out of range.
    """
    if num_records < _FOLDS:
        raise ValueError(f"num_records is {num_records}, wanted at least {_FOLDS}: one for every fold")
    if seed < 0:
        raise ValueError(f"seed is {seed}, wanted a whole number of at least 0")
    if not 50 <= sampling_rate <= 2000:
        raise ValueError(f"sampling_rate is {sampling_rate}, wanted 50 to 2000 hertz")
    records = [SimulatedRecord(number, _patient_of(number), seed) for number in range(num_records)]
    return Corpus(
        config_name=f"simulated_{sampling_rate}hz",
        features=row_features(
            len(STANDARD_LEADS),
            sampling_rate * SECONDS,
            {name: list(classes) for name, classes in _label_sets().items()},
            extra={name: Value("float32") for name in _PARAMETERS},
        ),
        splits={name: [record for record in records if record.fold in folds] for name, folds in SPLITS.items()},
        read=RecordSimulator(sampling_rate, noise),
        facts={
            "corpus": "simulated",
            "simulated": True,
            "sampling_rate": sampling_rate,
            "seed": seed,
            "noise": noise,
            "text_source": "statements",
            "hold_out": [],
            "left_out_of_text": [],
        },
        card=card,
        front_matter={
            "license": "apache-2.0",
            "pretty_name": "Simulated 12-lead ECGs",
            "language": ["en"],
            "tags": ["synthetic"],
        },
    )


def _patient_of(number: int) -> int:
    """Every twelfth record is a second one of the patient before it: of another fold each time."""
    return number - (number + 1) // 12


def _label_sets() -> dict[str, dict[str, tuple[str, ...]]]:
    sets = label_sets(STATEMENTS)
    return {name: sets[name] for name in LABEL_SETS}


def write_report(ecg: SimulatedECG) -> str:
    """A report in sentences: rhythm and intervals as simulated, then the findings."""
    values = ecg.parameters
    rhythm, *findings = (STATEMENTS[code].sentence for code in _report_order(statement_codes(ecg.conditions)))
    pr = "" if values.pr_ms is None else f"PR interval {values.pr_ms:.0f} ms, "
    measured = (
        f"{rhythm}, {values.heart_rate:.0f} beats per minute. {pr}QRS duration {values.qrs_ms:.0f} ms,"
        f" QT interval {values.qt_ms:.0f} ms, QRS axis {values.axis_degrees:.0f} degrees"
    )
    return ". ".join(text[0].upper() + text[1:] for text in (measured, *findings)) + "."


def _report_order(codes: list[str]) -> list[str]:
    return sorted(codes, key=lambda code: not STATEMENTS[code].rhythm)


def card(summary: dict) -> CorpusCard:
    """Text of the data-set card."""
    return CorpusCard(
        title=f"Simulated 12-lead ECGs, {summary['sampling_rate']} Hz",
        source=f"its own simulator (seed {summary['seed']}, noise factor {summary['noise']:g})",
        script="dataset_scripts/simulated.py",
        splits="Folds are by patient (1-8, 9, 10) and hold the same mix of conditions; `fold` says which.",
        texts='the English sentences of PTB-XL\'s statements, joined by ". "',
        labels="; every record is annotated for every task",
        licence="Apache-2.0, as the software",
        citation="The model is after McSharry et al., IEEE Trans Biomed Eng 50:289 (2003), Sameni et al., EURASIP J"
        " Adv Signal Process 2007:043407, and Dower et al., Clin Cardiol 3:87 (1980).",
        records="simulated twelve-lead ECGs of 10 s",
        notes=(
            "a heart vector of Gaussian waves, seen through Dower's lead matrix varied from patient to patient, with a"
            " small share of the chest leads' own; wander, muscle noise, mains and motion at each electrode.",
            "the limb leads obey Einthoven's and Goldberger's relations exactly, in counts.",
            "`heart_rate`, `pr_ms` (null in fibrillation), `qrs_ms`, `qt_ms`, `axis_degrees`: what was simulated."
            " `report`: the same in sentences.",
        ),
    )
