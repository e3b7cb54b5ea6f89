"""One recording as it is stored, whatever the file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

import numpy as np

from ._arrays import check_number
from .leads import canonical_leads
from .resampling import check_rate
from .units import MISSING_COUNT, counts_to_millivolts

# Counts a millivolt for what is stored in millivolts: half a microvolt of rounding at most.
USUAL_GAIN = 1000.0


@dataclass(frozen=True)
class Annotation:
    """A remark on a record: `seconds` from its start, `duration` in seconds (0: a moment), `text` as written."""

    seconds: float
    text: str
    duration: float = 0.0


@dataclass
class Record:
    """A recording.

    Attributes:
        name: what it calls itself.
        values: (leads, samples). Whole numbers are counts, -32768 where missing; they come with `gain` and `baseline`.
            Floating ones are millivolts, NaN where missing.
        gain: counts a millivolt, one a lead; None for millivolts.
        baseline: the count of zero, one a lead; None for millivolts.
        leads: names as this package writes them.
        sampling_rate: hertz.
        comments: remarks of the source, line by line.
        lead_names: the names as the source writes them; default `leads`.
        units: the unit of each lead in the source ("uV"); values and gain are in millivolts already.
        source_format: of the file it comes from, such as "WFDB"; "" for a made one.
        device: what recorded it, where the source says.
        start_time: date and time of the first sample, or the time of day where the source knows no date.
        annotations: remarks with a place in time.
        remarks: what its reader found odd and went on with, in words.
        reconstructed: the leads that nobody measured: a model made them of the others. Limb leads that follow from two
            measured ones are not among them.
        patient: what says who was recorded, and where, as the source writes it: `name`, `id`, `birth_date`, `age`,
            `sex`, `physician`, `operator`, `institution`, `device_serial`, `accession` and others. Empty unless it was
            asked for (`hf_ecg.read(path, keep_identifiers=True)`); it is not printed with the record.
        statements: what the device, or who read its paper, said of the record, one a line ("Sinus rhythm").
        measurements: the device's own numbers of the whole record: `heart_rate` (1/min), `rr_ms`, `p_ms`, `pr_ms`,
            `qrs_ms`, `qt_ms`, `qtc_ms` (milliseconds), `p_axis`, `qrs_axis`, `t_axis` (degrees). What it says is not
            measurable is left out.

    Raises:
        ValueError: shapes that contradict each other, an unknown or doubled lead, counts without gain and baseline, or
            millivolts with them.
    """

    name: str
    values: np.ndarray
    gain: np.ndarray | None
    baseline: np.ndarray | None
    leads: tuple[str, ...]
    sampling_rate: float
    comments: list[str] = field(default_factory=list)
    lead_names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    source_format: str = ""
    device: str | None = None
    start_time: datetime | time | None = None
    annotations: tuple[Annotation, ...] = ()
    remarks: tuple[str, ...] = ()
    reconstructed: tuple[str, ...] = ()
    patient: Mapping[str, str] = field(default_factory=dict, repr=False)
    statements: tuple[str, ...] = ()
    measurements: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self):
        named, self.leads = self.leads, canonical_leads(self.leads)
        # a lead that is taken away takes its mark along
        marked = canonical_leads(self.reconstructed)
        self.reconstructed = tuple(lead for lead in self.leads if lead in marked)
        self.lead_names = tuple(self.lead_names or named)
        self.patient = {key: str(value).strip() for key, value in self.patient.items() if str(value).strip()}
        self.statements = tuple(self.statements)
        self.measurements = {key: float(value) for key, value in self.measurements.items()}
        if not isinstance(self.values, np.ndarray):
            raise ValueError(f"{self.name}: the values are {type(self.values).__name__}, wanted a numpy array")
        check_rate(f"{self.name}: sampling_rate", self.sampling_rate)
        if self.values.ndim != 2 or len(self.values) != len(self.leads):
            raise ValueError(
                f"{self.name}: the values have shape {self.values.shape}, wanted (leads, samples) for the"
                f" {len(self.leads)} leads {list(self.leads)}"
            )
        whole = self.values.dtype.kind in "iu"
        if not whole and self.values.dtype.kind != "f":
            raise ValueError(f"{self.name}: the values are {self.values.dtype}, wanted counts or millivolts")
        for key, scale in (("gain", self.gain), ("baseline", self.baseline)):
            if (scale is not None) != whole:
                found = "counts without" if whole else "millivolts with"
                raise ValueError(f"{self.name} holds {found} {key}: counts have gain and baseline, millivolts neither")
            if scale is not None and np.shape(scale) != (len(self.leads),):
                raise ValueError(
                    f"{self.name}: {key} has shape {np.shape(scale)}, wanted one value for each of {len(self.leads)}"
                    " leads"
                )

    @property
    def is_simulated(self) -> bool:
        """Whether the file says that nobody was recorded, as `hf_ecg.simulation.write_wfdb` writes it."""
        return any(comment.strip().lower().startswith("simulated:") for comment in self.comments)

    @property
    def num_samples(self) -> int:
        return self.values.shape[1]

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.num_samples / self.sampling_rate

    @property
    def counts(self) -> np.ndarray:
        """The values, which must be counts.

        Raises:
            ValueError: the record is in millivolts.
        """
        if self.gain is None:
            raise ValueError(f"{self.name} is stored in millivolts and has no counts: as_counts() makes some")
        return self.values

    def to_millivolts(self) -> np.ndarray:
        """float64 (leads, samples), NaN where missing."""
        if self.gain is None or self.baseline is None:
            return self.values.astype(np.float64)
        return counts_to_millivolts(self.values, self.gain, self.baseline)

    def lead_millivolts(self, place: int) -> np.ndarray:
        """float64 (samples,) of the lead at this place, NaN where missing: of a day, all leads take much memory."""
        if self.gain is None or self.baseline is None:
            return self.values[place].astype(np.float64)
        return counts_to_millivolts(self.values[place], self.gain[place], self.baseline[place])

    def as_counts(self, gain: float = USUAL_GAIN) -> "Record":
        """Itself when it holds int16 counts; else the millivolts rounded to such counts of this gain, baseline 0.

        Raises:
            ValueError: values that exceed 16 bits, or infinite ones; a gain that is not a positive number.
        """
        check_number("gain", gain, positive=True)
        if self.values.dtype == np.int16:
            return self
        if self.gain is not None:
            low, high = int(self.values.min(initial=0)), int(self.values.max(initial=0))
            if low < MISSING_COUNT or high > np.iinfo(np.int16).max:
                raise ValueError(f"{self.name}: its counts, {low} to {high}, exceed 16 bits")
            return replace(self, values=self.values.astype(np.int16))
        counts, missing = np.rint(self.values.astype(np.float64) * gain), np.isnan(self.values)
        largest = np.abs(counts, where=~missing, out=np.zeros_like(counts)).max(initial=0.0)
        if largest > np.iinfo(np.int16).max:
            raise ValueError(f"{self.name}: {largest / gain:g} mV exceeds 16 bits at {gain:g} counts a millivolt")
        counts = np.where(missing, MISSING_COUNT, counts).astype(np.int16)
        number = len(self.leads)
        return replace(self, values=counts, gain=np.full(number, float(gain)), baseline=np.zeros(number))

    def cut(self, first: int, end: int) -> "Record":
        """The samples from `first` to before `end`, as a view, with what is annotated of them.

        Raises:
            ValueError: no whole numbers.
        """
        try:
            first, end, _ = slice(first, end).indices(self.num_samples)
        except TypeError as error:
            raise ValueError(f"cut from {first!r} to {end!r}, wanted whole numbers of samples") from error
        start, stop = first / self.sampling_rate, end / self.sampling_rate
        kept = tuple(
            replace(note, seconds=note.seconds - start)
            for note in self.annotations
            if note.seconds < stop and (note.seconds >= start or note.seconds + note.duration > start)
        )
        moved = self.start_time
        if isinstance(moved, datetime):
            moved += timedelta(seconds=start)
        elif moved is not None:
            moved = (datetime.combine(datetime.min, moved) + timedelta(seconds=start)).time()
        return replace(self, values=self.values[:, first:end], start_time=moved, annotations=kept)
