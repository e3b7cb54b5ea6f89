"""Names of leads, their standard order, and the limb leads that two others determine."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..checks import NEAR, shown
from .units import split_unit

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD_LEADS = LIMB_LEADS + CHEST_LEADS
# Leads beside the twelve: right and posterior chest leads, Frank's X, Y, Z, and EASI's.
_OTHER_LEADS = ("V1R", "V2R", "V3R", "V4R", "V5R", "V6R", "V7", "V8", "V9", "X", "Y", "Z", "ES", "AS", "AI")
# Two electrodes on the torso (MLII of a Holter is not the standard II), as PhysioNet's data sets write them: MIT-BIH,
# European ST-T, QT, MIMIC, SHDB-AF.
_MODIFIED_LEADS = (
    *("MLI", "MLII", "MLIII", "ML2", "ML5", "MV2", "MCL", *(f"MCL{n}" for n in range(1, 7))),
    *(f"{system}{n}" for system in ("CM", "CC", "CS", "CB") for n in range(1, 7)),
    "NASA",
)
# An ECG, but nobody says between which electrodes: V alone is any chest lead of a monitor.
_CHANNELS = ("ECG", *(f"ECG{number}" for number in range(100)), "V")
# Leads and channels that are none of the twelve, though they may stand for one: whoever knows which says so.
UNNAMED_LEADS = frozenset(_MODIFIED_LEADS + _CHANNELS)
_KNOWN = {name.upper(): name for name in STANDARD_LEADS + _OTHER_LEADS + _MODIFIED_LEADS + _CHANNELS}
# Of which a slip may be meant; names as short as X or ES are near to everything.
_MEANT = STANDARD_LEADS + _MODIFIED_LEADS + ("ECG",)
# Derivation, derivación, derivação: DI or D1 where Romance languages are spoken.
_D_NAMES = [(number, lead) for lead in ("I", "II", "III") for number in (lead, str(len(lead)))]
# Other spellings of the same lead; "VR" is none of aVR, which is half as large again, and "-aVR" is upside down.
_SEPARATORS = ("", " ", "_", "-", ".")
_SPELLINGS = {
    **{f"D{separator}{n}": lead for separator in (*_SEPARATORS, ". ") for n, lead in _D_NAMES},
    **{f"第{sign}": lead for lead, signs in (("I", "1一"), ("II", "2二"), ("III", "3三")) for sign in signs},
    **{f"C{n}": f"V{n}" for n in range(1, 7)},
    **{f"V{separator}{n}": f"V{n}" for separator in _SEPARATORS[1:] for n in range(1, 10)},
    **{f"AV{separator}{end}": f"aV{end}" for separator in _SEPARATORS[1:] for end in "RLF"},
    **{f"A{separator}V{end}": f"aV{end}" for separator in _SEPARATORS[1:] for end in "RLF"},
    **{
        f"{form[1]}{separator}{form[2]}": lead
        for lead in _MODIFIED_LEADS
        if (form := re.fullmatch(r"(ML|MCL|C[MCSB])(\w+)", lead)) is not None
        for separator in _SEPARATORS[1:]
    },
    **{f"MODIFIED {word}{n}": f"ML{n}" for word in ("LEAD ", "") for n in ("I", "II", "III")},
    **{"VX": "X", "VY": "Y", "VZ": "Z"},
    **{"E-S": "ES", "A-S": "AS", "A-I": "AI", "E_S": "ES", "A_S": "AS", "A_I": "AI"},
    **{"EKG": "ECG"},
}
# The words for a lead, for an ECG and for a kind of lead, before its name or behind it, repeatedly ("ECG lead II").
_WORDS = (
    *("LEAD", "ECG", "EKG", "LIMB", "EXTREMITY", "CHEST", "PRECORDIAL", "STANDARD", "STD", "FRANK", "VCG", "EASI"),
    *("EINTHOVEN", "EINTH", "GOLDBERGER", "GOLDB", "WILSON", "BIPOLAR", "UNIPOLAR"),
    *("ABL", "ABLEITUNG", "BRUSTWAND", "BRUSTWANDABLEITUNG", "EXTREMITÄTEN", "EXTREMITÄTENABLEITUNG"),
    *("DERIVATION", "DERIV", "DERIVACION", "DERIVACIÓN", "DERIVACAO", "DERIVAÇÃO", "DERIVAZIONE"),
    *("DÉRIVATION", "DÉRIV", "PRÉCORDIALE", "PRECORDIALE", "PÉRIPHÉRIQUE", "DERIVACIÓ", "DERIVAȚIA"),
    *("ESTANDAR", "ESTÁNDAR", "PADRAO", "PADRÃO", "STANDAARD", "STANDARDABLEITUNG"),
    *("AVLEDNING", "AFLEDNING", "AFLEIDING", "KYTKENTÄ", "ODPROWADZENIE", "ODPR", "SVOD", "ZVOD", "ODVOD"),
    # Hungarian, Turkish
    *("ELVEZETÉS", "DERIVASYON", "DERIVASYONU"),
    # Russian, Ukrainian, Bulgarian, Greek (two spellings), Korean, Hebrew, Thai, Hindi
    *("ОТВЕДЕНИЕ", "ОТВ", "ГРУДНОЕ", "ГРУДНОЙ", "СТАНДАРТНОЕ", "ВІДВЕДЕННЯ", "ОТВЕЖДАНЕ"),
    *("ΑΠΑΓΩΓΗ", "ΑΠΑΓΩΓΉ", "유도", "ליד", "ลีด", "लीड"),
)
# Chinese, Japanese and Korean write no space: 导联, 導聯, 導程, 誘導 for a lead, and the kinds of leads before it.
_LEAD_SIGNS = "导联|導联|導聯|導程|誘導|유도"
_KIND_SIGNS = "|".join(
    (
        "标准|標準|肢体|肢體|四肢|胸前|胸部|[肢胸](?:[导導](?![联聯程]))?",
        "双极|双極|雙極|单极|單極|単極|加压|加壓|표준|사지|흉부",
    )
)
# a hyphen behind a space is a sign, not a separator
_PREFIX = re.compile(
    r"(?:MDC_ECG_LEAD_|MDC_ECG_ELEC_POTL_"
    rf"|(?:{'|'.join(_WORDS)})(?:[\s_:.]+|-)"
    r"|(?:LEAD|ECG|EKG|ABLEITUNG)(?=I{1,3}$|V[1-9]|AV[RLF])"
    rf"|第(?=[IV])|(?:{_LEAD_SIGNS}|{_KIND_SIGNS})\s*)"
)
_SUFFIX = re.compile(
    rf"(?:[-_ ]|\s-\s)REF$|(?:[-_ ]|\.\s)(?:{'|'.join(_WORDS)})\.?$|\s*(?:{_LEAD_SIGNS})$"
    # as DICOM's list of leads says it (PS3.16, CID 3001)
    rf"|\s?\((?:{'|'.join(_WORDS)})\)$|, AUGMENTED VOLTAGE, (?:RIGHT|LEFT|FOOT)$"
)
_IN_BRACKETS = re.compile(rf"(?:{'|'.join(_WORDS)})\s*\(([^()]+)\)")
# Letters of other scripts that look like those of leads: Cyrillic and Greek I, A, C, X.
_LOOK_ALIKE = str.maketrans("\u0406\u0399\u0410\u0391\u0421\u0425\u03a7", "IIAACXX")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
# A channel's number is not a lead: "ECG 1" may be anything.
_NUMBERED = re.compile(r"(?:ECG|EKG)[\s_.-]?([0-9]{1,2})", re.ASCII)
# What a name that stays unknown was perhaps to be: it may be something else, so it is asked for, not taken.
_PERHAPS = {
    **{
        f"{before}{number}": lead
        for before in ("L", "LEAD ", "LEAD_", "LEAD")
        for number, lead in enumerate(("I", "II", "III"), 1)
    },
    **{"VR": "aVR", "VL": "aVL", "VF": "aVF", "VI": "V1"},
    **{"LA-RA": "I", "LL-RA": "II", "LL-LA": "III"},
    **{name: f"V{n}R" for n in range(1, 7) for name in (f"RV{n}", f"VR{n}", f"V{n} R", f"V{n}-R", f"V{n}_R")},
}
# such as "aVR neg"
_TURNED = re.compile(r"[-+]|NEG|INV")

# Every limb lead is a combination of I and II (Einthoven; Goldberger's augmented leads).
_FROM_I_AND_II = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}


def canonical_leads(names: Sequence[str]) -> tuple[str, ...]:
    """The names as this package writes them (`aVR`, `V1`), in whatever spelling they come; see `known_lead`.

    Args:
        names: names of leads, such as a WFDB header's "AVR".

    Raises:
        ValueError: an unknown name, or one lead named twice.
    """
    if isinstance(names, str):
        raise ValueError(f"leads is the string {shown(names)}, wanted a list of names")
    try:
        return _canonical(tuple(map(str, names)))
    except TypeError as error:
        raise ValueError(f"leads is {shown(names)}, wanted a list of names") from error


# A corpus repeats the same dozen names in every record: looking at them anew costs more than a record's arithmetic.
@lru_cache(maxsize=256)
def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    leads: list[str] = []
    for name in names:
        lead = known_lead(name)
        if lead is None:
            raise ValueError(
                f"unknown lead {shown(name)}{nearest_lead(name)}; known are"
                f" {', '.join(STANDARD_LEADS + _OTHER_LEADS)}, and modified ones such as MLII, MCL1, CM5, ECG1"
            )
        if lead in leads:
            raise ValueError(f"lead {lead} is named twice in {list(names)}")
        leads.append(lead)
    return tuple(leads)


def known_lead(name: str) -> str | None:
    """A lead's name as this package writes it; None for a name of no ECG lead.

    Case does not count, nor do the spellings of devices and standards: DI, D1 (Romance languages), C1 to C6 (IEC), vx,
    vy, vz (Frank's leads in PTB), a prefix "MDC_ECG_LEAD_" (DICOM, HL7 aECG), a suffix "-REF" (EDF), a unit ("I (mV)",
    "V1_uV"), a Roman number as one sign, a Cyrillic or Greek letter that looks like a Latin one, and before or behind
    the name "Lead", "ECG", "Einthoven", "Wilson" and the words for a lead of some twenty languages. Names with two
    meanings stay apart: MLII, MCL1, CM5 are leads of their own, and ECG, ECG1, ECG2, V channels whose lead nobody
    says. Leads that differ by a sign or a factor (-aVR, VR) are unknown.

    Example:
        >>> from hf_ecg.signals.leads import known_lead
        >>> [known_lead(name) for name in ("MDC_ECG_LEAD_AVR", "ECG v1", "DII", "ECG 2", "MLII", "RESP", "-aVR")]
        ['aVR', 'V1', 'II', 'ECG2', 'MLII', None, None]
    """
    if not isinstance(name, str):
        return None
    rest = _plain(split_unit(name)[0])
    numbered = _NUMBERED.fullmatch(rest)
    if numbered is not None:
        return f"ECG{int(numbered[1])}"
    rest = _without_words(rest)
    return _KNOWN[_SPELLINGS.get(rest, rest).upper()] if rest in _KNOWN or rest in _SPELLINGS else None


def _without_words(name: str) -> str:
    """A plain name without the words around it, one after the other until it is a lead's or nothing is to be left."""
    rest = name
    while rest not in _KNOWN and rest not in _SPELLINGS:
        alike = rest.translate(_LOOK_ALIKE)
        if alike in _KNOWN or alike in _SPELLINGS:
            return alike
        inside, shorter, prefix = _IN_BRACKETS.fullmatch(rest), _SUFFIX.sub("", rest).rstrip("."), _PREFIX.match(rest)
        if inside is not None:
            shorter = inside[1].strip()
        elif shorter == rest and prefix is not None:
            shorter = rest[prefix.end() :]
        if shorter in ("", rest):
            break
        rest = shorter
    return rest


def _plain(name: str) -> str:
    """In capitals, with one kind of dash, without the quotes of a table and the dot of an abbreviation."""
    rest = unicodedata.normalize("NFKC", name).translate(_DASHES).strip("\ufeff \t\r\n")
    return rest.strip("\"'").rstrip(".:").upper()


def nearest_lead(name: str) -> str:
    """ " (did you mean 'II'?)", or nothing when no lead's name is near enough to be meant."""
    rest = _plain(name)
    lead = _PERHAPS.get(rest) or _PERHAPS.get(f"LEAD {_without_words(rest)}")
    # with a sign it is another voltage, and no slip
    if lead is None and not _TURNED.search(rest):
        match = difflib.get_close_matches(rest, [known.upper() for known in _MEANT], n=1, cutoff=NEAR)
        lead = _KNOWN[match[0]] if match else None
    return "" if lead is None else f" (did you mean {lead!r}?)"


def select_leads(signals: np.ndarray, leads: Sequence[str], wanted: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Leads in the wanted order; absent ones are zero.

    Args:
        signals: (..., leads, samples).
        leads: names of the leads of `signals`.
        wanted: names of the leads of the result.

    Returns:
        (..., wanted, samples) in the type of `signals`, and bool (wanted,): which were there.

    Raises:
        ValueError: unknown or doubled names, or another number of names than of leads.
    """
    signals, leads, wanted = np.asarray(signals), _checked(signals, leads), canonical_leads(wanted)
    mask = np.array([lead in leads for lead in wanted], dtype=bool)
    if mask.all():
        return np.take(signals, [leads.index(lead) for lead in wanted], axis=-2), mask
    selected = np.zeros((*signals.shape[:-2], len(wanted), signals.shape[-1]), dtype=signals.dtype)
    for place, lead in enumerate(wanted):
        if mask[place]:
            selected[..., place, :] = signals[..., leads.index(lead), :]
    return selected, mask


def derive_limb_leads(signals: np.ndarray, leads: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Append the limb leads that are absent, from two that are present.

    Holds for physical units only: III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.

    Args:
        signals: (..., leads, samples) in millivolts; float64 stays float64, anything else gives float32.
        leads: names of the leads of `signals`.

    Returns:
        The signals with all six limb leads (given leads untouched and first), and their names.

    Raises:
        ValueError: fewer than two limb leads are present.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import derive_limb_leads
        >>> signals, leads = derive_limb_leads(np.array([[0.5], [1.25]]), ["I", "II"])
        >>> {lead: float(value) for lead, value in zip(leads, signals[:, 0])}
        {'I': 0.5, 'II': 1.25, 'III': 0.75, 'aVR': -0.875, 'aVL': -0.125, 'aVF': 1.0}
    """
    signals, leads = np.asarray(signals), _checked(signals, leads)
    present = [lead for lead in LIMB_LEADS if lead in leads]
    absent = [lead for lead in LIMB_LEADS if lead not in leads]
    if not absent:
        return signals, leads
    if len(present) < 2:
        raise ValueError(f"deriving limb leads needs two of {', '.join(LIMB_LEADS)}; found {list(leads)}")
    first, second = present[:2]
    # rows: what two given leads are in terms of I and II; its inverse brings I and II back
    inverse = np.linalg.inv(np.array([_FROM_I_AND_II[first], _FROM_I_AND_II[second]]))
    pair = [signals[..., leads.index(lead), :].astype(np.float64) for lead in (first, second)]
    derived = []
    for lead in absent:
        weights = np.array(_FROM_I_AND_II[lead]) @ inverse
        derived.append(weights[0] * pair[0] + weights[1] * pair[1])
    dtype = np.float64 if signals.dtype == np.float64 else np.float32
    joined = np.concatenate([signals.astype(dtype), np.stack(derived, axis=-2).astype(dtype)], axis=-2)
    return joined, leads + tuple(absent)


def _checked(signals: np.ndarray, leads: Sequence[str]) -> tuple[str, ...]:
    names, shape = canonical_leads(leads), np.shape(signals)
    if len(shape) < 2 or shape[-2] != len(names):
        raise ValueError(f"signals have shape {shape}, wanted (..., {len(names)}, samples) for leads {list(names)}")
    return names
