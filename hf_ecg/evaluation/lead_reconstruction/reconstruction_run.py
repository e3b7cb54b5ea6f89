"""A model and a corpus in; for every set of leads the error of each lead, beside linear regressions, out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from datasets import Dataset

from ...data.collators.lead_reconstruction import check_standard_leads
from ...data.corpus import find_config, load_corpus
from ...progress import progress_bar
from ...signals.leads import STANDARD_LEADS
from ..judging.features import PreparedRows, frozen
from ..judging.linear_probe import require_disjoint
from ..judging.refused import note_refused, skip_refused
from ..loading import describe_seeds, facts_for_evaluation, load_reconstruction, pick_device
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..reports.evaluation_report import report_frame
from .lead_sets import LEAD_SETS, LeadSet
from .linear_baselines import LINEAR, MODEL, NEIGHBOURS, OWN, fit_all, own_regression
from .record_errors import PatientBootstrap, first_half, record_errors, stack_batches

TITLE = "Lead reconstruction"
WHOLE, HALF = "whole records", "second halves"


# (set of leads, system, part of the record) -> (batch, 3, 12), see `record_errors`
Errors = dict[tuple[str, str, str], torch.Tensor]


@dataclass(frozen=True)
class ReconstructionOptions:
    """What is asked.

    Args:
        inputs: sets of leads that are shown, such as "I+II+V2".
        fitted_on: another prepared corpus, whose training folds the regressions are fitted on; None: the same.
        fitted_on_config: its configuration.
    """

    inputs: tuple[str, ...] = LEAD_SETS
    fitted_on: str | None = None
    fitted_on_config: str | None = None

    @property
    def sets(self) -> list[LeadSet]:
        """Raises ValueError for an impossible set, or one named twice."""
        sets = [LeadSet.parse(text) for text in self.inputs]
        if not sets or len(set(sets)) < len(sets):
            raise ValueError(f"inputs are {list(self.inputs)}, wanted one or more different sets of leads")
        return sets


def judge_lead_reconstruction(
    model: str,
    data: str,
    options: ReconstructionOptions,
    *,
    folds: Mapping[str, list[int]],
    config: str | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of how well a model completes the twelve leads.

    Everything is compared after the model's own preparation, in millivolts. Beside the model stand two regressions of
    the training records, on the present sample and with its neighbours, and on the second halves of the records each
    record's own regression, fitted on its first half *with all twelve leads known*: who has a model alone has not
    got that.

    Args:
        model: folder of a model such as `ECGUNetForLeadReconstruction`.
        data, config: prepared corpus and its configuration.
        options: see there.
        folds: "train", which the regressions are fitted on, and "test".
        allow_training_folds: test on folds that the model was trained on.
        intervals, forward: see there.

    Raises:
        ValueError: another kind of model, folds of the training, an impossible set of leads, no record to judge.
        OSError: the model or a corpus is not there.
    """
    config = find_config(data, config)
    sets, device = options.sets, pick_device(forward.device)
    if options.fitted_on is None:
        require_disjoint(folds, "folds")
    facts = facts_for_evaluation([model], config, folds["test"], allow_training_folds)
    network, extractor = load_reconstruction(model, device)
    check_standard_leads(extractor)
    splits = {
        "train": load_corpus(
            options.fitted_on or data,
            config=config if options.fitted_on is None else options.fitted_on_config,
            folds=folds["train"],
            keep_unusable=forward.strict,
        ),
        "test": load_corpus(data, config=config, folds=folds["test"], keep_unusable=forward.strict),
    }

    def judge(rows: dict[str, Dataset]) -> tuple[dict, list]:
        regressions = fit_all(
            _batches(extractor, rows["train"], forward, "regressions"), sets, extractor.sampling_rate
        )
        batches = _batches(extractor, rows["test"], forward, "reconstructions")
        with frozen(network):
            parts = [_errors_of(batch, network, device, regressions, sets) for batch in batches]
        patients = rows["test"].select_columns(["patient_id"]).with_format(None)["patient_id"][:]
        return stack_batches(parts), patients

    (errors, patients), refused = skip_refused(judge, splits, forward.strict)
    notes = forward.notes()
    if options.fitted_on is not None:
        notes.append(f"the linear regressions are fitted on {options.fitted_on}, folds {folds['train']}")
    described = {MODEL: describe_seeds([model], facts)}
    frame = report_frame(TITLE, data, config, intervals, device, {"test": folds["test"]}, [patients], described, notes)
    bootstrap = PatientBootstrap(patients, intervals.replicates, intervals.seed)
    figures = [_figures(one, errors, bootstrap) for one in sets]
    return note_refused(frame | {"fitted_on_folds": folds["train"], "sets": figures}, refused)


def _batches(extractor, rows: Dataset, forward: ForwardOptions, description: str):
    prepared = PreparedRows(extractor, rows, forward.batch_size, window="recipe")
    with progress_bar(total=prepared.num_records, desc=description, leave=False) as bar:
        for batch in prepared:
            yield batch
            bar.update(batch["num_records"])


def _errors_of(batch, network, device, regressions, sets: Sequence[LeadSet]) -> Errors:
    """NaN where a lead is absent or the set is not complete."""
    values, there, samples = batch["input_values"], batch["lead_mask"].bool(), batch["sample_mask"].bool()
    early = first_half(samples)
    parts = {WHOLE: samples, HALF: samples & ~early}
    found = {}
    for one in sets:
        shown = one.mask.expand(len(values), -1) & there
        inputs = (values.to(device), shown.to(device), samples.to(device))
        reconstructed = network(inputs[0], lead_mask=inputs[1], sample_mask=inputs[2]).reconstruction
        systems = {
            MODEL: reconstructed.cpu(),
            LINEAR: regressions[one.name][LINEAR](values),
            NEIGHBOURS: regressions[one.name][NEIGHBOURS](values),
            OWN: own_regression(values, samples, early, one),
        }
        unknown = ~there | ~there[:, one.mask].all(dim=1, keepdim=True)
        for system, leads in systems.items():
            for part, counted in parts.items():
                errors = record_errors(leads, values, counted)
                found[one.name, system, part] = errors.masked_fill(unknown.unsqueeze(1), torch.nan)
    return found


def _figures(one: LeadSet, errors: Mapping, bootstrap: PatientBootstrap) -> dict:
    leads = []
    for lead in one.judged:
        place = STANDARD_LEADS.index(lead)

        def of(system: str, part: str, place=place) -> np.ndarray:
            return errors[one.name, system, part][:, :, place]

        if not np.isfinite(of(MODEL, WHOLE)[:, 0]).any():
            continue
        entry = {"lead": lead, "parts": {}}
        for part, systems in ((WHOLE, (MODEL, LINEAR, NEIGHBOURS)), (HALF, (MODEL, LINEAR, NEIGHBOURS, OWN))):
            figures = {system: asdict(bootstrap.figures(of(system, part))) for system in systems}
            differences = {
                system: {
                    key: asdict(value)
                    for key, value in bootstrap.difference(of(MODEL, part)[:, 0], of(system, part)[:, 0]).items()
                }
                for system in systems[1:]
            }
            entry["parts"][part] = {"systems": figures, "model_minus": differences}
        leads.append(entry)
    return {"inputs": one.name, "leads": leads}
