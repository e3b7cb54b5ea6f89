"""SNOMED CT codes of ECG corpora: `snomed.csv` says what a code means in each, which is not always the same.

Sources, named in its column `source`. "CPSC2018": the nine classes of the China Physiological Signal Challenge 2018
(Liu et al., J. Med. Imaging Health Inform. 8, 2018), with the codes and short names of the PhysioNet Challenge's
headers. "ConditionNames": ConditionNames_SNOMED-CT.csv of Chapman-Shaoxing-Ningbo (PhysioNet ecg-arrhythmia 1.0.0), 63
names for 55 codes: the first name of a code is its class, the others stand in the column `also`. "dx_mapping_scored"
and "dx_mapping_unscored": the tables of the PhysioNet/Computing in Cardiology Challenge 2021 (evaluation-2021); under
`csn` those codes of them that the Challenge counts in Chapman-Shaoxing or Ningbo and that ConditionNames lacks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from .scp import SEPARATOR
from .tables import read_table

CORPORA = ("cpsc2018", "csn", "cinc2021")
_TABLE = Path(__file__).parent / "snomed.csv"
_COLUMNS = ("corpus", "code", "acronym", "also", "sentence", "source")
# Codes that do not say the same in every corpus; all others differ in wording only.
DIFFERENT_MEANINGS = MappingProxyType(
    {
        "164931005": "ST elevation in CPSC2018 and the Challenge, ST tilt up in CSN (whose STE is 164930006)",
        "164930006": "ST elevation ('ST extension') in CSN, an abnormal ST interval in the Challenge",
        "426783006": "a normal ECG in CPSC2018, sinus rhythm (whatever else there is) in CSN and the Challenge",
        "251180001": "ventricular escape trigeminy in CSN, ventricular trigeminy in the Challenge",
        "195101003": "wandering in the atrioventricular node (or sinus to atrium) in CSN, wandering atrial pacemaker"
        " in the Challenge",
    }
)
# What the Challenge 2021 scores as one diagnosis: the column Notes of dx_mapping_scored.csv.
SCORED_TOGETHER = MappingProxyType(
    {
        "CLBBB|LBBB": ("733534002", "164909002"),
        "CRBBB|RBBB": ("713427006", "59118001"),
        "PAC|SVPB": ("284470004", "63593006"),
        "PVC|VPB": ("427172004", "17338001"),
    }
)


@dataclass(frozen=True)
class SnomedMeaning:
    """What a code says in one corpus.

    `acronym` is its class there, `also` further names of that corpus for the same code, `sentence` its wording in
    training texts.
    """

    code: str
    corpus: str
    acronym: str
    also: tuple[str, ...]
    sentence: str
    source: str


@lru_cache
def snomed_meanings(corpus: str) -> Mapping[str, SnomedMeaning]:
    """Code -> what it means in a corpus, in the order of its own table.

    Args:
        corpus: "cpsc2018", "csn" or "cinc2021" (the Challenge's table, for all corpora in it).

    Raises:
        ValueError: another corpus.

    Example:
        >>> {corpus: snomed_meanings(corpus)["164931005"].sentence for corpus in ("cpsc2018", "csn")}
        {'cpsc2018': 'ST elevation', 'csn': 'ST tilt up'}
    """
    if corpus not in CORPORA:
        raise ValueError(f"corpus is {corpus!r}, wanted one of {CORPORA}")
    rows = [row for row in read_table(_TABLE, _COLUMNS) if row["corpus"] == corpus]
    meanings = (SnomedMeaning(**row | {"also": tuple(row["also"].split())}) for row in rows)
    return MappingProxyType({meaning.code: meaning for meaning in meanings})


def classes_of(
    meanings: Mapping[str, SnomedMeaning], sources: Iterable[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Class -> its codes, in the order of the table.

    Args:
        meanings: see `snomed_meanings`.
        sources: take the codes of these sources only.
    """
    sources = None if sources is None else set(sources)
    classes: dict[str, tuple[str, ...]] = {}
    for meaning in meanings.values():
        if sources is None or meaning.source in sources:
            classes[meaning.acronym] = (*classes.get(meaning.acronym, ()), meaning.code)
    return classes


def scored_classes() -> dict[str, tuple[str, ...]]:
    """The 26 classes that the Challenge 2021 scores -> their codes, whatever corpus wrote them."""
    together = {code: name for name, codes in SCORED_TOGETHER.items() for code in codes}
    classes: dict[str, tuple[str, ...]] = {}
    for code, meaning in snomed_meanings("cinc2021").items():
        if meaning.source == "dx_mapping_scored":
            name = together.get(code, meaning.acronym)
            classes[name] = (*classes.get(name, ()), code)
    return classes


def compose_snomed_text(codes: Iterable[str], meanings: Mapping[str, SnomedMeaning]) -> str:
    """English text of a record: the sentences of its codes, joined by ". ", in the order of the table.

    Unknown codes say nothing.
    """
    codes = set(codes)
    return SEPARATOR.join(dict.fromkeys(meaning.sentence for code, meaning in meanings.items() if code in codes))
