"""ECGFeatureExtractor: from waveforms as people have them to the batch that a model wants, by a recipe in JSON."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from transformers.feature_extraction_utils import BatchFeature, FeatureExtractionMixin
from transformers.utils import logging

from ..auto_class import NoSourceCopies
from ..checks import check_one_of, nearest, shown
from ..signals.leads import STANDARD_LEADS
from ..strict_json import naming_the_source
from ..version import __version__
from .inputs import WaveformGroup, read_inputs
from .outputs import WAVEFORM, Output
from .recipe_run import checked_recipe, prepare, run_recipe
from .step_run import apply_steps, batch_of_tensors, present_only, stack_batches
from .steps.recipe import outputs_of, views_place, with_edges_written_out
from .steps.sample_steps import Resample
from .steps.step_base import Step
from .steps.step_table import build_step

logger = logging.get_logger(__name__)
_RECIPE = ("sampling_rate", "leads", "num_samples", "steps")
# Says where a saved extractor is and how it is loaded, not what it is.
_OF_LOADING = (
    *("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token", "_commit_hash"),
    *("trust_remote_code", "code_revision", "return_unused_kwargs", "_from_auto", "_from_pipeline"),
)
# Keys that saving adds to the JSON; everything else unknown is a misspelt parameter.
_WRITTEN_BY_SAVING = ("feature_extractor_type", "processor_class", "hf_ecg_version", "auto_map")


class ECGFeatureExtractor(NoSourceCopies, FeatureExtractionMixin):
    """Turns ECGs into `input_values`, `lead_mask` and `sample_mask` by an ordered list of steps.

    All steps run in float64 and the result is rounded to float32 once. Leads are found by name, so neither the order
    nor the case of the input's leads changes a bit of the output. A lead that is missing from the input, or has no
    sample at all, is absent: false in `lead_mask`, zero after the last step. A flat lead is a measurement (asystole, a
    loose electrode) and stays present unless the recipe has the step `mask_flat_leads`; a record whose leads are
    all flat is said to be one.

    Steps are dicts with a `name` and parameters; the attribute `steps` and the saved JSON spell out their defaults:

    - `derive_limb_leads`: absent limb leads that the recipe wants, from any two given ones; millivolts only. It is
      always the first step and is put there when the list lacks it. A derived lead is absent where one of the two is
      that it was made of, be it by a later step.
    - `select_leads`: `leads` in their order; put after the derivation when the list has neither it nor `pick_lead`.
    - `keep_leads` (leads): all but these of the model's leads count as absent, for a model that is used with fewer
      leads than it has inputs; directly after `select_leads`.
    - `pick_lead`: for models of a single lead; `leads` are those it accepts, the caller says which by `lead=`.
    - `mask_flat_leads` (maximum_range): flat leads count as absent.
    - `quality_gate` (on_fail, flags, method, threshold): leads that `hf_ecg.signals.quality` flags count as absent
      ("mask"), or raise with the record, the leads and the flags ("raise"). By the methods "hrv" and
      "hrv_and_waveform" those count that its detector of noise calls noisy. Best before `fill_missing` and any filter,
      which hide damage; never after `normalise` or `divide`.
    - `require_millivolts`: normalised values are refused, for models that read voltages; before `fill_missing`.
    - `require_length` (minimum, maximum): so are records that last fewer or more seconds.
    - `fill_missing` (method, neighbours): without it a missing sample is an error. Where no lead has a signal for a
      second or more (missing, or one value repeated), `sample_mask` is false, filled or not, and a message says so.
    - `zero_padding_to_missing` (minimum_seconds): zeros of all leads at a record's ends are missing (CODE-15's HDF5
      files); before `select_leads`.
    - `views`: where random views act in training. No step that changes leads, rate or records may stand behind it.
    - `resample` (method, target_rate, edges), `filter` (filter), `subtract_median` (seconds, edges), `normalise`
      (method, over, epsilon, divisor, minimum, maximum, ddof, return_amplitude), `divide` (divisor), `crop`
      (num_samples, position), `multi_crop` (count, num_samples), `segments` (num_samples), `pad` (num_samples,
      position, value): the functions of `hf_ecg.signals`. `num_samples` and `target_rate` default to the recipe's own.
      `crop` passes shorter records and `pad` longer ones. Beyond its ends a record goes on at its level and slope, but
      for other `edges`.
    - `beat_tokens`: beats in place of the waveform, see `processing.steps.beat_tokens.BeatTokens`.

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
        recipe = checked_recipe(sampling_rate, leads, num_samples, steps)
        self.sampling_rate, self.leads = recipe.sampling_rate, recipe.leads
        self.num_samples, self.steps = recipe.num_samples, recipe.steps

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs) -> Self:
        """As in transformers; a saved JSON that holds something else raises a ValueError that names its folder."""
        with naming_the_source(pretrained_model_name_or_path):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    @classmethod
    def from_dict(cls, feature_extractor_dict, **kwargs):
        """The extractor that a saved JSON describes, which is the whole recipe: nothing of it has a default.

        A keyword that is none of the recipe is left unused, as in transformers, and a warning says so.

        Raises:
            ValueError: a key that is missing, unknown or impossible.
        """
        if not isinstance(feature_extractor_dict, Mapping):
            raise ValueError(f"a saved ECGFeatureExtractor is {shown(feature_extractor_dict)}, wanted a dict")
        given = {**feature_extractor_dict, **kwargs}
        unused = sorted(kwargs.keys() - {*_RECIPE, *_WRITTEN_BY_SAVING, *_OF_LOADING})
        if unused and not kwargs.get("return_unused_kwargs"):
            logger.warning_once(f"{unused[0]!r} is not a part of an ECGFeatureExtractor, whose parts are {_RECIPE}")
        # null is a number of samples ("any"), and nothing else
        missing = [key for key in _RECIPE if key not in given or (given[key] is None and key != "num_samples")]
        if missing:
            raise ValueError(f"the saved ECGFeatureExtractor lacks {missing}; it is the whole recipe, {_RECIPE}")
        if isinstance(given["steps"], list):
            # what is given beside a saved recipe is new, with today's defaults
            steps = given["steps"] if "steps" in kwargs else with_edges_written_out(given["steps"])
            feature_extractor_dict = {**feature_extractor_dict, "steps": steps}
            kwargs.pop("steps", None)
        return super().from_dict(feature_extractor_dict, **kwargs)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What a batch holds, by the declarations of its steps: names, axes, types, padding values."""
        return outputs_of(self._built())

    @property
    def model_input_names(self) -> list[str]:
        """The names of `outputs`; `amplitude`, `record_index` and others only when a step makes them."""
        return [output.name for output in self.outputs]

    @property
    def outputs_before_views(self) -> tuple[Output, ...]:
        """What `before_views` makes. Random views would contradict those whose `views` is false."""
        steps = self._built()
        return outputs_of(steps[: views_place(steps)])

    @property
    def views_sampling_rate(self) -> float:
        """Hertz of the waveform where random views act: at the step `views`, or behind the last step."""
        steps = self._built()
        rates = [step.target_rate for step in steps[: views_place(steps)] if isinstance(step, Resample)]
        return self.sampling_rate if not rates or rates[-1] is None else rates[-1]

    def steps_digest(self, before_views: bool = True) -> str:
        """Hexadecimal digest of all that decides what `before_views` makes of a record, for the keys of caches.

        Args:
            before_views: up to the step `views`; false takes all steps, and so names what `__call__` makes.
        """
        steps = self.steps[: views_place(self._built())] if before_views else self.steps
        recipe = {
            "sampling_rate": float(self.sampling_rate),
            "leads": self.leads,
            "num_samples": self.num_samples,
            "steps": steps,
        }
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

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
        *,
        rename: Mapping[str | int, str] | None = None,
        window: str | float | None = None,
    ) -> BatchFeature:
        """Prepares one or several ECGs.

        Args:
            signals: an array `(leads, samples)` or `(records, leads, samples)`, the path of a file that `hf_ecg.read`
                takes, a `Record`, a row (a dict with `signal`, `num_samples`, `sampling_rate`, `leads`, `gain`,
                `baseline`), a slice of rows, or a list of these, of any lengths. Rows of one shape, rate and lead list
                are processed as one array.
            sampling_rate: hertz of the arrays. Like `leads` and `units` it is required for arrays; rows and files
                carry their own, and another value given beside them is an error.
            leads: names of the arrays' leads, in their order, in any spelling of `known_lead`. Of a file or `Record`
                it chooses leads; without it, channels that are not ECG (RESP, PLETH) are left out with a warning.
            units: "mV", "uV", "V" and their other spellings ("\u00b5V", "millivolt"), or "normalized" for values that
                are not voltages any more: their amplitude is not checked and no limb lead is derived from them.
            lead: the lead that a single-lead model is to see.
            return_tensors: "pt" or "np".
            rename: names of leads for channels of files, records and rows, before `leads` chooses: `{"ECG": "I"}`.
            window: what is taken of records that are longer than the model's window: "all" windows as rows of their
                own, as does a number of seconds; "first" the first, "recipe" what the recipe crops. Default: what
                the recipe crops, and all windows of records from twice that length on.

        Returns:
            `input_values` float32 `(batch, leads, samples)`; `lead_mask` bool `(batch, leads)`; `sample_mask` bool
            `(batch, samples)`, false where padded. With `normalise(return_amplitude=True)` also `amplitude` float32
            `(batch, leads, 2)`: millivolts = value * scale + offset, offset and scale in the last axis. With several
            rows of a record also `record_index` int64 `(batch,)`, the record that a row is of.

        Raises:
            ValueError: see `read_inputs`; or a record has none of the wanted leads, missing samples that no step
                fills, a rate that no step changes, or a result that is not `num_samples` long. Names the record.
            OSError: a file is absent.
        """
        if return_tensors is not None:
            check_one_of("return_tensors", return_tensors, ("pt", "np"))
        data = prepare(self, signals, sampling_rate, leads, units, lead, rename, window)
        return BatchFeature(data, tensor_type=return_tensors)

    def before_views(
        self,
        signals,
        sampling_rate: float | None = None,
        leads: Sequence[str] | None = None,
        units: str | None = None,
        lead: str | None = None,
        *,
        rename: Mapping[str | int, str] | None = None,
    ) -> BatchFeature:
        """The part of the recipe before the step `views`, as torch tensors; all of it when there is no such step.

        Args:
            signals, sampling_rate, leads, units, lead, rename: see `__call__`.

        Returns:
            `outputs_before_views`. The length is not checked when steps or views follow that may change it.

        Raises:
            ValueError, OSError: see `__call__`.
        """
        steps = self._built()
        steps = steps[: views_place(steps)]
        data = self._prepared(steps, read_inputs(signals, sampling_rate, leads, units, rename), lead)
        return BatchFeature(data, tensor_type="pt")

    def after_views(self, batch: Mapping) -> dict:
        """The steps behind the step `views`, on tensors that random views have changed; none when there is no step.

        Args:
            batch: tensors of `outputs_before_views`, on any device; lengths and masks may be others by now, and a
                model of one lead may get one of several. Other keys pass as they are.

        Returns:
            The batch for the model. What belongs to a lead that the views have made absent is zero. The length is not
            checked: views crop.

        Raises:
            ValueError: what a step refuses, or a result that is not a finite float32 number.
        """
        steps = self._built()
        place = views_place(steps)
        before = outputs_of(steps[:place])
        given = [output for output in before if output.name in batch]
        for output in given:
            if not isinstance(batch[output.name], torch.Tensor):
                found = type(batch[output.name]).__name__
                raise ValueError(f"{output.name} of the batch is of type {found}, wanted a tensor")
        lacking = [output.name for output in before if output in WAVEFORM and output not in given]
        if lacking:
            raise ValueError(f"the batch lacks {lacking}, which the steps before the views make")
        if place is None or place == len(steps) - 1:
            return dict(batch) | present_only(batch, given)
        state = batch_of_tensors(batch, given, self.leads, self.views_sampling_rate, self.num_samples)
        names = {row: f"record {row} of the batch" for row in range(len(state.signals))}
        apply_steps(state, steps[place + 1 :], names)
        made = [output for output in outputs_of(steps) if output in WAVEFORM or output.name in state.tensors]
        stacked = stack_batches([state], [names], made)
        device = batch["input_values"].device
        others = {key: value for key, value in batch.items() if key not in {output.name for output in before}}
        return others | {name: torch.from_numpy(values).to(device) for name, values in stacked.items()}

    def _built(self) -> list[Step]:
        return [build_step(step) for step in self.steps]

    def _prepared(
        self, steps: list[Step], groups: list[WaveformGroup], lead: str | None, indexed: bool = False
    ) -> dict[str, np.ndarray]:
        """What the steps make of the groups; with the record of each row when `indexed`."""
        return run_recipe(self, steps, groups, lead, indexed)
