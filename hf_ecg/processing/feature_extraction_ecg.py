"""ECGFeatureExtractor: from waveforms as people have them to the batch that a model wants, by a recipe in JSON."""

import copy
from collections.abc import Sequence

import numpy as np
from transformers.feature_extraction_utils import BatchFeature, FeatureExtractionMixin

from ..auto_class import NoSourceCopies
from ..checks import check_positive, check_positive_integer, nearest
from ..signals.leads import LIMB_LEADS, STANDARD_LEADS, canonical_leads
from ..strict_json import naming_the_source
from ..version import __version__
from .inputs import WaveformGroup, read_inputs
from .steps.lead_steps import DeriveLimbLeads, KeepLeads, PickLead, SelectLeads
from .steps.quality_gate import QualityGate
from .steps.sample_steps import Crop, Divide, MultiCrop, Normalise, Pad, Resample
from .steps.step_base import RecordError, Step, WaveformBatch
from .steps.step_table import build_step, describe_step

_RECIPE = ("sampling_rate", "leads", "num_samples", "steps")
# Keys that saving adds to the JSON; everything else unknown is a misspelt parameter.
_WRITTEN_BY_SAVING = ("feature_extractor_type", "processor_class", "hf_ecg_version", "auto_map")


class ECGFeatureExtractor(NoSourceCopies, FeatureExtractionMixin):
    """Turns ECGs into `input_values`, `lead_mask` and `sample_mask` by an ordered list of steps.

    All steps run in float64 and the result is rounded to float32 once. Leads are found by name, so neither the order
    nor the case of the input's leads changes a bit of the output. A lead that is missing from the input, or has no
    sample at all, is absent: false in `lead_mask`, zero after the last step. A flat lead is a measurement (asystole, a
    loose electrode) and stays present unless the recipe has the step `mask_flat_leads`.

    Steps are dicts with a `name` and parameters; omitted parameters get their defaults, and the attribute `steps` and
    the saved JSON spell them out:

    - `derive_limb_leads`: absent limb leads that the recipe wants, from any two given ones; millivolts only. It is
      always the first step and is put there when the list lacks it.
    - `select_leads`: `leads` in their order; put after the derivation when the list has neither it nor `pick_lead`.
    - `keep_leads` (leads): all but these of the model's leads count as absent, for a model that is used with fewer
      leads than it has inputs; directly after `select_leads`.
    - `pick_lead`: for models of a single lead; `leads` are those it accepts, the caller says which by `lead=`.
    - `mask_flat_leads` (maximum_range): flat leads count as absent.
    - `quality_gate` (on_fail, flags): leads that `hf_ecg.signals.quality` flags count as absent ("mask"), or raise
      with the record, the leads and the flags ("raise"). Best before `fill_missing` and any filter, which hide damage;
      never after `normalise` or `divide`.
    - `fill_missing` (method, neighbours): without it a missing sample is an error.
    - `resample` (method, target_rate), `filter` (filter), `subtract_median` (seconds), `normalise` (method, over,
      epsilon, divisor, minimum, maximum, return_amplitude), `divide` (divisor), `crop` (num_samples, position),
      `multi_crop` (count, num_samples), `pad` (num_samples, position, value): the functions of `hf_ecg.signals`;
      `num_samples` and `target_rate` default to the recipe's own. `crop` passes shorter records and `pad` longer ones.

    Args:
        sampling_rate: hertz of the result; a record that arrives with another rate and is not resampled is an error.
        leads: names of the model's leads, in its order.
        num_samples: length that every result must have; None accepts any, and a batch is padded to its longest record.
        steps: the recipe. Default: derive, select, interpolate missing samples, resample (polyphase), crop from the
            start and pad at the end; the result stays in millivolts.

    Raises:
        ValueError: an unknown lead, step or parameter (the nearest known one is named), or an impossible value.

    Example:
        >>> from hf_ecg import ECGFeatureExtractor
        >>> extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000)
        >>> signals = np.sin(np.linspace(0, 60, 15000)).reshape(3, 5000)  # ten seconds of three leads
        >>> inputs = extractor(signals, sampling_rate=500, leads=["I", "II", "V2"], units="mV", return_tensors="pt")
        >>> inputs["input_values"].shape
        torch.Size([1, 12, 1000])
        >>> [lead for lead, there in zip(extractor.leads, inputs["lead_mask"][0]) if there]
        ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V2']
        >>> extractor("record.hea", return_tensors="pt")["input_values"].shape  # a WFDB record of twelve leads
        torch.Size([1, 12, 1000])
    """

    def __init__(
        self,
        sampling_rate: float = 500,
        leads: Sequence[str] = STANDARD_LEADS,
        num_samples: int | None = 5000,
        steps: Sequence[dict] | None = None,
        **kwargs,
    ):
        for key in kwargs:
            if key not in _WRITTEN_BY_SAVING:
                raise ValueError(
                    f"unknown parameter {key!r}{nearest(key, _RECIPE)}; ECGFeatureExtractor takes {_RECIPE}"
                )
        for key in ("feature_extractor_type", "hf_ecg_version"):
            kwargs.pop(key, None)
        super().__init__(**kwargs)
        check_positive("sampling_rate", sampling_rate)
        if num_samples is not None:
            check_positive_integer("num_samples", num_samples)
        if not leads or not isinstance(leads, Sequence) or isinstance(leads, str):
            raise ValueError(f"leads is {leads!r}, wanted a list of lead names")
        self.sampling_rate = sampling_rate
        self.leads = list(canonical_leads(leads))
        self.num_samples = num_samples
        self.steps = self._complete(_default_steps(num_samples) if steps is None else steps)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        """As in transformers; a saved JSON that holds something else raises a ValueError that names its folder."""
        with naming_the_source(pretrained_model_name_or_path):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    @classmethod
    def from_dict(cls, feature_extractor_dict, **kwargs):
        """The extractor that a saved JSON describes, which is the whole recipe: nothing of it has a default.

        Raises:
            ValueError: a key that is missing, unknown or impossible.
        """
        given = {**feature_extractor_dict, **kwargs}
        # null is a number of samples ("any"), and nothing else
        missing = [key for key in _RECIPE if key not in given or (given[key] is None and key != "num_samples")]
        if missing:
            raise ValueError(f"the saved ECGFeatureExtractor lacks {missing}; it is the whole recipe, {_RECIPE}")
        return super().from_dict(feature_extractor_dict, **kwargs)

    @property
    def model_input_names(self) -> list[str]:
        """What a batch holds for the model; `amplitude` and `record_index` only when a step makes them."""
        return ["input_values", "lead_mask", "sample_mask", *_extra_outputs([build_step(step) for step in self.steps])]

    def to_dict(self) -> dict:
        return {**super().to_dict(), "hf_ecg_version": __version__}

    def __call__(
        self,
        signals,
        sampling_rate: float | None = None,
        leads: Sequence[str] | None = None,
        units: str | None = None,
        lead: str | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Prepares one or several ECGs.

        Args:
            signals: an array `(leads, samples)` or `(records, leads, samples)`, a WFDB path, a row (a dict with
                `signal`, `num_samples`, `sampling_rate`, `leads`, `gain`, `baseline`), a slice of rows, or a list of
                these, of any lengths. Rows of one shape, rate and lead list are processed as one array.
            sampling_rate: hertz of the arrays. Like `leads` and `units` it is required for arrays; rows and WFDB files
                carry their own, and another value given beside them is an error.
            leads: names of the arrays' leads, in their order, in any case.
            units: "mV", "uV", "V", or "normalized" for values that are no voltages any more: their amplitude is not
                checked and no limb lead is derived from them.
            lead: the lead that a single-lead model is to see.
            return_tensors: "pt" or "np".

        Returns:
            `input_values` float32 `(batch, leads, samples)`; `lead_mask` bool `(batch, leads)`; `sample_mask` bool
            `(batch, samples)`, false where padded. With `normalise(return_amplitude=True)` also `amplitude` float32
            `(batch, leads, 2)`: millivolts = value * scale + offset, with offset and scale in the last axis. With
            `multi_crop` also `record_index` int64 `(batch,)`, the record that a crop comes from.

        Raises:
            ValueError: see `read_inputs`; or a record has none of the wanted leads, missing samples that no step
                fills, a rate that no step changes, or a result that is not `num_samples` long. Names the record.
            OSError: a WFDB file is absent or damaged.
        """
        steps = [build_step(step) for step in self.steps]
        groups = read_inputs(signals, sampling_rate, leads, units)
        if lead is not None:
            (lead,) = canonical_leads([lead])
        if not any(isinstance(step, Resample) for step in steps):
            for group in groups:
                if group.sampling_rate != self.sampling_rate:
                    raise ValueError(
                        f"{group.names[0]} has {group.sampling_rate:g} Hz, the model wants {self.sampling_rate:g} Hz"
                        " and the recipe has no step resample"
                    )
        batches = [self._process(group, steps, lead) for group in groups]
        data = _collate(groups, batches, _extra_outputs(steps))
        return BatchFeature(data, tensor_type=return_tensors)

    def _complete(self, descriptions: Sequence[dict]) -> list[dict]:
        """The recipe with its implicit steps and default parameters written out."""
        if not isinstance(descriptions, Sequence) or isinstance(descriptions, str):
            raise ValueError(f"steps is {descriptions!r}, wanted a list of dicts")
        steps = [build_step(copy.deepcopy(description)) for description in descriptions]
        kinds = [type(step) for step in steps]
        if DeriveLimbLeads not in kinds and set(self.leads) & set(LIMB_LEADS):
            steps.insert(0, DeriveLimbLeads())
        elif DeriveLimbLeads in kinds[1:]:
            raise ValueError(
                "derive_limb_leads must be the first step and only that: leads are derived from recorded millivolts"
            )
        choosers = [step for step in steps if isinstance(step, (SelectLeads, PickLead))]
        if len(choosers) > 1:
            raise ValueError("steps has more than one of select_leads and pick_lead")
        if not choosers:
            steps.insert(int(isinstance(steps[0], DeriveLimbLeads)) if steps else 0, SelectLeads())
        for i, step in enumerate(steps):
            if isinstance(step, KeepLeads):
                self._check_kept(step, steps[i - 1])
        scaled = next((i for i, kind in enumerate(kinds) if kind in (Normalise, Divide)), len(kinds))
        if QualityGate in kinds[scaled:]:
            raise ValueError("quality_gate judges millivolts: put it before normalise and divide")
        if kinds.count(MultiCrop) > 1:
            raise ValueError("steps has more than one multi_crop")
        for step in steps:
            if isinstance(step, (Crop, MultiCrop, Pad)) and step.num_samples is None and self.num_samples is None:
                raise ValueError(
                    f"step {describe_step(step)['name']}: num_samples is given neither here nor for the recipe"
                )
        return [describe_step(step) for step in steps]

    def _check_kept(self, step: KeepLeads, before: Step) -> None:
        if not isinstance(before, SelectLeads):
            raise ValueError("keep_leads must directly follow select_leads: no other step may see the leads it drops")
        unknown = [lead for lead in canonical_leads(step.leads) if lead not in self.leads]
        if unknown:
            raise ValueError(f"keep_leads names {unknown}, which are not among the model's leads {self.leads}")

    def _process(self, group: WaveformGroup, steps: list[Step], lead: str | None) -> WaveformBatch:
        batch = WaveformBatch(
            signals=group.signals,
            lead_mask=np.ones(group.signals.shape[:2], bool),
            leads=group.leads,
            sampling_rate=group.sampling_rate,
            valid=(0, group.signals.shape[-1]),
            complete=group.complete,
            physical=group.physical,
            wanted=tuple(self.leads),
            lead=lead,
            target_rate=self.sampling_rate,
            num_samples=self.num_samples,
            origin=np.arange(len(group.signals)),
        )
        for step, description in zip(steps, self.steps, strict=True):
            if not batch.complete and not step.accepts_missing:
                _refuse_missing(batch, group, f"before the step {description['name']}; add fill_missing before it")
                batch.complete = True
            try:
                step.apply(batch)
            except ValueError as error:
                single = isinstance(error, RecordError)
                where = group.names[batch.origin[error.record]] if single else _several(group.names)
                raise ValueError(f"{where}: step {description['name']}: {error}") from error
        length = batch.signals.shape[-1]
        if batch.sampling_rate != self.sampling_rate:
            raise ValueError(
                f"{_several(group.names)}: the steps end at {batch.sampling_rate:g} Hz,"
                f" the model wants {self.sampling_rate:g} Hz"
            )
        if self.num_samples not in (None, length):
            raise ValueError(
                f"{_several(group.names)}: the steps end with {length} samples, the model wants {self.num_samples};"
                " add the steps crop and pad, or change theirs"
            )
        return batch


def _default_steps(num_samples: int | None) -> list[dict]:
    steps = [
        {"name": "derive_limb_leads"},
        {"name": "select_leads"},
        {"name": "fill_missing", "method": "linear"},
        {"name": "resample", "method": "polyphase"},
    ]
    if num_samples is not None:
        steps += [{"name": "crop", "position": "start"}, {"name": "pad", "position": "end"}]
    return steps


def _extra_outputs(steps: list[Step]) -> list[str]:
    names = []
    if any(isinstance(step, Normalise) and step.return_amplitude for step in steps):
        names.append("amplitude")
    if any(isinstance(step, MultiCrop) for step in steps):
        names.append("record_index")
    return names


def _refuse_missing(batch: WaveformBatch, group: WaveformGroup, where: str) -> None:
    finite = np.isfinite(batch.signals)
    for record, lead in np.argwhere(batch.lead_mask & ~finite.all(-1)):
        raise ValueError(
            f"{group.names[batch.origin[record]]}: lead {batch.leads[lead]} has {int((~finite[record, lead]).sum())}"
            f" samples that are no finite number {where}"
        )


def _several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more of the same shape"


def _collate(groups: list[WaveformGroup], batches: list[WaveformBatch], extras: list[str]) -> dict[str, np.ndarray]:
    """Rows in the order of the input, a record's crops side by side, rounded to float32 here and only here."""
    positions = np.concatenate(
        [np.asarray(group.positions)[batch.origin] for group, batch in zip(groups, batches, strict=True)]
    )
    order = np.argsort(positions, kind="stable")
    target = np.empty_like(order)
    target[order] = np.arange(len(order))
    length = max(batch.signals.shape[-1] for batch in batches)
    shape = (len(order), batches[0].signals.shape[1])
    values = np.zeros((*shape, length), np.float32)
    lead_mask = np.zeros(shape, bool)
    sample_mask = np.zeros((len(order), length), bool)
    amplitude = np.zeros((*shape, 2), np.float32)
    done = 0
    for batch in batches:
        rows = target[done : done + len(batch.signals)]
        done += len(rows)
        # A slice where possible: assigning through an index array copies several times slower.
        if rows[-1] - rows[0] + 1 == len(rows):
            rows = slice(rows[0], rows[-1] + 1)
        values[rows, :, : batch.signals.shape[-1]] = batch.signals
        lead_mask[rows] = batch.lead_mask
        sample_mask[rows, batch.valid[0] : batch.valid[1]] = True
        if batch.amplitude is not None:
            amplitude[rows] = batch.amplitude
    if not lead_mask.all():
        values[~lead_mask] = 0.0
        amplitude[~lead_mask] = 0.0
    if not np.isfinite(values).all():
        for group, batch in zip(groups, batches, strict=True):
            _refuse_missing(batch, group, "after the last step: add fill_missing, or look for an unstable filter")
        raise ValueError("the result does not fit into float32: are the values and the recipe's scale right?")
    made = {"amplitude": amplitude, "record_index": positions[order]}
    return {
        "input_values": values,
        "lead_mask": lead_mask,
        "sample_mask": sample_mask,
        **{name: made[name] for name in extras},
    }
