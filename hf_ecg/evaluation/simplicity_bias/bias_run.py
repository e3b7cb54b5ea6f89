"""A model and a corpus in; out, whether the model leans on the cue that is easiest to learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ...checks import check_positive_integer
from ...data.corpus import find_config, load_corpus
from ...data.rows import RowDataset
from ...locks import output_lock
from ...owned_folders import mark
from ..judging.linear_probe import require_disjoint
from ..loading import describe_drawn, describe_seeds, facts_for_evaluation
from ..metrics.patient_draws import Measured, PatientDraws
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..reports.evaluation_report import report_frame
from ..robustness.judged_model import PROBE, JudgedTask, judged_tasks
from .asked_encoders import AskedEncoder, Asking
from .bias_page import AGAINST, MODEL, RANDOM, TITLE
from .cues import BOTH_KEPT, CUES, RECORDED, RHYTHM_KEPT, CueCondition, mean_beat
from .equal_probes import NEGATIVES_PER_POSITIVE, EqualClasses, equal_classes, equal_scores
from .gradient_bands import BANDS_HZ, band_names, gradient_shares

REPORT_NAME, PARTS_NAME = "simplicity_bias.json", "parts"


@dataclass(frozen=True)
class BiasOptions:
    """What is asked of a model.

    Args:
        easy: label set of what is easy to see.
        subtle: label set of what is hard to see.
        positives: training rows of each class that an equal probe gets, with four times as many negatives; classes
            with fewer are left out.
        draws: how often these rows are drawn.
        bands: where the bands of frequency are divided, in hertz.
        gradient_records: the most judged records whose gradients are computed.
        lead: of an encoder of a single lead, the one that it is to see.
        random: also judge the same network with random weights.
        against: folders of another model, its seeds.

    Raises:
        ValueError: one label set for both, numbers below one, edges that do not rise.
    """

    easy: str = "rhythm"
    subtle: str = "form"
    positives: int = 30
    draws: int = 5
    bands: tuple[float, ...] = BANDS_HZ
    gradient_records: int = 256
    lead: str | None = None
    random: bool = False
    against: tuple[str, ...] = ()

    def __post_init__(self):
        if self.easy == self.subtle:
            raise ValueError(f"easy and subtle are both {self.easy!r}, wanted two label sets")
        for name in ("positives", "draws", "gradient_records"):
            check_positive_integer(name, getattr(self, name))
        band_names(self.bands, 2 * max(self.bands, default=0) + 1)


def judge_simplicity_bias(
    models: Sequence[str],
    data: str,
    output_dir,
    options: BiasOptions = BiasOptions(),  # noqa: B008
    *,
    folds: Mapping[str, list[int]],
    config: str | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report in three parts, of the encoder inside any model, with probes on its frozen features.

    - *probes*: AUROC of easy and of subtle classes, each learned from as many positives, and the gap between them;
    - *gradients*: which frequencies of the input the probes' scores depend on;
    - *cues*: what is left of the AUROC when the rhythm is kept and the waveform averaged, and the reverse.

    All intervals are over the same resampled patients, and seeds, so that any two figures can be subtracted.

    Args:
        models: folders of models, the seeds of one.
        data, config: prepared corpus and its configuration.
        output_dir: `parts/` in it keeps what was computed.
        options: see there.
        folds: "train", "validation" and "test".
        allow_training_folds: judge folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: folds of the training, a label set without a class that can be probed, no row that can be read.
        OSError: a model or the corpus is not there, or another process writes the folder.
    """
    models, against, output_dir = list(models), list(options.against), Path(output_dir)
    config = find_config(data, config)
    facts = facts_for_evaluation(models + against, config, folds["test"], allow_training_folds)
    require_disjoint(dict(folds), "folds")
    splits = {
        split: load_corpus(data, config=config, folds=numbers, keep_unusable=forward.strict)
        for split, numbers in folds.items()
    }
    tasks = judged_tasks(PROBE, splits, (options.easy, options.subtle), (), intervals, facts, config)
    classes = [_classes(task, options.positives) for task in tasks]
    with output_lock(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
        mark(output_dir, "simplicity_bias")
        mean = mean_beat(RowDataset(splits["test"]))
        conditions = [CueCondition(cue, mean if cue == RHYTHM_KEPT else None) for cue in CUES]
        given = (output_dir / PARTS_NAME, forward, options.lead, intervals.seed)
        asking = Asking(splits, tasks, conditions, *given)
        systems = {MODEL: [asking.ask(folder, place) for place, folder in enumerate(models)]}
        described = {MODEL: describe_seeds(models, facts[: len(models)])}
        if options.random:
            systems[RANDOM] = [asking.ask(folder, place, drawn=True) for place, folder in enumerate(models)]
            described[RANDOM] = describe_drawn(len(models), intervals.seed)
        if against:
            systems[AGAINST] = [asking.ask(folder, place) for place, folder in enumerate(against)]
            described[AGAINST] = describe_seeds(against, facts[len(models) :])
        measure = _Measure(asking, systems, options, intervals)
        patients = [splits["test"].select_columns("patient_id")["patient_id"][:]]
        notes = measure.notes()
        frame = report_frame(TITLE, data, config, intervals, asking.device, dict(folds), patients, described, notes)
        return frame | {
            "sets": {"easy": options.easy, "subtle": options.subtle},
            "probes": measure.probes(classes),
            "gradients": measure.gradients(),
            "cues": measure.cues(),
        }


def _classes(task: JudgedTask, positives: int) -> EqualClasses:
    found = equal_classes(task.probe, positives)
    if not found.names:
        raise ValueError(
            f"no class of {task.name} has {positives} positives in the training rows and enough in the judged ones;"
            f" positives in training: {found.left_out}; --positives asks for fewer"
        )
    return found


class _Measure:
    """Figures of systems, each the seeds of one model, on the rows that none of them refuses."""

    def __init__(
        self, asking: Asking, systems: dict[str, list[AskedEncoder]], options: BiasOptions, intervals: IntervalOptions
    ):
        self.asking, self.systems, self.options = asking, systems, options
        self.names = ("easy", "subtle")
        test = asking.splits["test"]
        self.draws = PatientDraws(
            test.select_columns("patient_id")["patient_id"][:], intervals.replicates, intervals.seed
        )
        numbers = [values for seeds in systems.values() for one in seeds for values in one.found.values()]
        self.kept = np.all([np.isfinite(values).all(axis=1) for values in numbers], axis=0)
        self.minimum = intervals.minimum

    def notes(self) -> list[str]:
        refused = int((~self.kept).sum())
        return (
            [f"rows without three beats, or refused by an extractor, are in no figure: {refused}"] if refused else []
        )

    def probes(self, classes: Sequence[EqualClasses]) -> dict:
        """AUROC of both sets at equal positives, and the gap."""
        options, entries, gaps = self.options, {}, {}
        for system, seeds in self.systems.items():
            macros, of_classes = {}, {}
            for name, task, chosen in zip(self.names, self.asking.tasks, classes, strict=True):
                labels, stack, rows = self._equal(task, chosen.names, seeds)
                # (seeds, draws, ...): a seed's figure is the mean over its draws
                pairs = [self.draws.class_aurocs(labels, each, rows) for each in stack]
                full, drawn = (np.stack([part.mean(axis=0) for part in parts]) for parts in zip(*pairs, strict=True))
                macros[name] = self.draws.macro(full, drawn, stack)
                of_classes[name] = dict(zip(chosen.names, full.mean(axis=0).tolist(), strict=True))
            gaps[system] = macros | {"gap": macros["easy"] - macros["subtle"]}
            entries[system] = {key: value.interval() for key, value in gaps[system].items()} | {"classes": of_classes}
        return {
            "positives": options.positives,
            "negatives_per_positive": NEGATIVES_PER_POSITIVE,
            "draws": options.draws,
            "left_out": {name: one.left_out for name, one in zip(self.names, classes, strict=True)},
            "systems": entries,
            "differences": _differences(gaps),
        }

    def _equal(self, task: JudgedTask, names: Sequence[str], seeds: Sequence[AskedEncoder]):
        """Labels of the judged rows, scores (seeds, draws, rows, classes), and their numbers among the test rows."""
        probe, kept = task.probe, self.kept[task.rows]
        columns, scores = [task.class_names.index(name) for name in names], []
        for one in seeds:
            features = {split: values[probe.rows[split]] for split, values in one.features.items()}
            features["test"] = one.found[RECORDED][task.rows[kept]]
            scores.append(
                [
                    equal_scores(probe, features, names, self.options.positives, draw)
                    for draw in range(self.options.draws)
                ]
            )
        return task.labels[kept][:, columns].astype(bool), np.array(scores), task.rows[kept]

    def gradients(self) -> dict:
        """Shares of the gradients' energy by band, of both sets, and those of the input."""
        entries: dict[str, dict] = {}
        for system, seeds in self.systems.items():
            rate = seeds[0].judged.model.config.sampling_rate
            entries[system] = {"bands": band_names(self.options.bands, rate), "records": {}}
            for name, task in zip(self.names, self.asking.tasks, strict=True):
                places = self._positive(task)
                rows, found = task.rows[places], []
                for one in seeds:
                    directions = _directions(task, places, one.judged.probes[task.name].weights, self._columns(task))
                    prepared = self.asking.prepared(one.judged, rows)
                    found.append(gradient_shares(one.judged.model, prepared, directions, self.options.bands, rate))
                gradient, signal = (np.array(part) for part in zip(*found, strict=True))
                entries[system]["records"][name] = len(rows)
                entries[system][name] = [value.interval() for value in self.draws.means(gradient, rows)]
                entries[system][f"{name} input"] = [value.interval() for value in self.draws.means(signal, rows)]
        return {"systems": entries}

    def _columns(self, task: JudgedTask) -> np.ndarray:
        """Classes that count on the kept rows."""
        labels = task.labels[self.kept[task.rows]].astype(bool)
        positives = labels.sum(axis=0)
        return np.flatnonzero(np.minimum(positives, len(labels) - positives) >= self.minimum)

    def _positive(self, task: JudgedTask) -> np.ndarray:
        """Places of judged rows with a class of the set, evenly from all of them where they are too many."""
        places = np.flatnonzero(self.kept[task.rows] & task.labels[:, self._columns(task)].any(axis=1))
        most = self.options.gradient_records
        if len(places) > most:
            places = places[np.linspace(0, len(places) - 1, most).round().astype(int)]
        return places

    def cues(self) -> dict:
        """Macro AUROC of the probes of all training rows, under every condition."""
        entries, figures = {}, {}
        for system, seeds in self.systems.items():
            entries[system], figures[system] = {}, {}
            for name, task in zip(self.names, self.asking.tasks, strict=True):
                kept, columns = self.kept[task.rows], self._columns(task)
                rows, labels = task.rows[kept], task.labels[kept][:, columns].astype(bool)
                measured: dict[str, Measured] = {}
                for cue in CUES:
                    scores = [one.judged.score(task, one.found[cue][rows])[:, columns] for one in seeds]
                    measured[cue] = self.draws.macro_auroc(labels, np.stack(scores), rows)
                entries[system][name] = {cue: {"auroc": one.interval()} for cue, one in measured.items()}
                for cue in CUES[1:]:
                    reference = RECORDED if cue == BOTH_KEPT else BOTH_KEPT
                    change = measured[cue] - measured[reference]
                    entries[system][name][cue]["change"] = change.interval()
                    figures[system][f"{name}, {cue}"] = change
        tasks = {
            name: {
                "classes": [task.class_names[column] for column in self._columns(task)],
                "records": int(self.kept[task.rows].sum()),
            }
            for name, task in zip(self.names, self.asking.tasks, strict=True)
        }
        return {"tasks": tasks, "systems": entries, "differences": _differences(figures)}


def _directions(task: JudgedTask, places: np.ndarray, weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(records, hidden_size): the mean of the probes' weights of each record's own classes."""
    own = task.labels[places][:, columns].astype(np.float64)
    return own @ weights[columns] / own.sum(axis=1, keepdims=True)


def _differences(figures: Mapping[str, Mapping[str, Measured]]) -> list[dict]:
    """Of each two systems the first minus the second, of every figure."""
    return [
        {"first": first, "second": second}
        | {key: (figures[first][key] - figures[second][key]).interval() for key in figures[first]}
        for first, second in combinations(figures, 2)
    ]
