"""A look at some records of a folder before all are read: their rates, leads and lengths."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ....signals.leads import STANDARD_LEADS, UNNAMED_LEADS
from ....signals.patient_fields import HIDDEN
from ....signals.record import Record

# All of a small folder. A hundred more would tell of the rates of a large one what these do.
_LOOKED_AT = 200
# Rates that differ by less are one: a watch's clock gives 511 to 514 Hz.
_ONE_RATE = 0.02
# What a rate that is not a whole number becomes: the largest of these that is not above it.
_USUAL_RATES = (1000, 500, 250, 125, 100)


@dataclass
class FirstLook:
    """What some records are.

    Args:
        rates, leads: of how many records each.
        reasons: why records could not be read.
        with_statements: how many of them hold statements of their device.
    """

    rates: Counter = field(default_factory=Counter)
    leads: Counter = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    with_statements: int = 0

    def rate(self) -> int:
        """The rate of the rows, where nobody chose it.

        Raises:
            ValueError: no record could be read, or they have several rates.
        """
        if not self.rates:
            raise ValueError(f"none of the first {len(self.reasons)} records can be read: {self.reasons[0]}")
        lowest, highest = min(self.rates), max(self.rates)
        if highest - lowest > _ONE_RATE * highest:
            found = ", ".join(f"{rate:g} Hz ({number})" for rate, number in self.rates.most_common(4))
            usual = round(self.rates.most_common(1)[0][0])
            raise ValueError(
                f"the records have several rates, {found}: choose that of the rows, to which others are resampled, by"
                f" --sampling_rate {usual}"
            )
        if len(self.rates) == 1 and lowest.is_integer():
            return int(lowest)
        return next((rate for rate in _USUAL_RATES if rate <= lowest), max(1, int(lowest)))

    def told(self, sampling_rate: int) -> list[str]:
        """What a person should know of it, a sentence each."""
        told = []
        others = {rate: number for rate, number in self.rates.items() if rate != sampling_rate}
        if others:
            found = ", ".join(f"{rate:g} Hz" for rate in sorted(others)[:4]) + (", ..." if len(others) > 4 else "")
            told.append(f"records of {found} are resampled to {sampling_rate} Hz")
        if len(self.leads) > 1:
            found = "; ".join(f"{number} have {describe(leads)}" for leads, number in self.leads.most_common(4))
            told.append(
                f"the records have several sets of leads ({found}): each row keeps its own, and a model sees the"
                " others as absent; --leads takes the same of all, and leaves out records without them"
            )
        unnamed = sorted({lead for leads in self.leads for lead in leads if lead in UNNAMED_LEADS})
        if unnamed:
            told.append(
                f"the channels {', '.join(unnamed)} are not one of the twelve leads, and most models pass them over:"
                f" --rename {unnamed[0]}=LEAD says which lead it stands for (I, of a device held in both hands)"
            )
        return told

    def told_of_texts(self, device_texts: bool, other_texts: bool) -> list[str]:
        """What a person should know of the statements of devices, a sentence each."""
        number = self.leads.total()
        if device_texts and self.with_statements < number:
            lacking = number - self.with_statements
            return [f"{lacking} of {number} records that were looked at hold no statement of a device: no text either"]
        if self.with_statements and not device_texts and not other_texts:
            return [
                f"{self.with_statements} of {number} records that were looked at hold statements of their device:"
                " --device_texts makes their texts of them"
            ]
        return []

    def is_lead_one(self) -> bool:
        """Whether every record is of lead I alone."""
        return set(self.leads) == {("I",)}


def first_look(items: Sequence, read: Callable[[object], Record]) -> FirstLook:
    """Reads some of the items, evenly spread; what fails here is told when all are read."""
    look = FirstLook()
    places = np.unique(np.linspace(0, len(items) - 1, min(len(items), _LOOKED_AT)).round().astype(int))
    for place in places:
        try:
            record = read(items[int(place)])
        except (ValueError, OSError) as error:
            look.reasons.append(str(error))
            continue
        look.rates[float(record.sampling_rate)] += 1
        look.leads[record.leads] += 1
        look.with_statements += bool(device_statements(record))
    return look


def device_statements(record: Record) -> list[str]:
    """What the device said of a record, without the lines that something of the patient's fields was taken out of."""
    return [line for line in record.statements if HIDDEN not in line]


def describe(leads: Sequence[str]) -> str:
    """Leads in a few words."""
    return "the twelve leads" if set(leads) == set(STANDARD_LEADS) else f"{', '.join(leads)}"
