"""What says who was recorded, and where: told apart from the other words of a recording, and taken away."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from .record import Record

# How the fields of `Record.patient` are called, and how headers write them: English, Spanish, French, German, Italian,
# Portuguese, Dutch, Nordic, Polish, Russian, Chinese and Japanese. Without accents, as `_plain` writes labels.
_WRITTEN = {
    "name": (
        "name|names|patient|patients? names?|subjects? names?|full name"
        "|((patient|subject)s? )?(first|last|given|family|middle|maiden) name|user|user ?name|nickname"
        "|surname|forename|initials|nombre|nombre del paciente|apellidos?|paciente|nom|prenom|nom du patient|vorname"
        "|nachname|familienname|patientenname|patientin|pat name|name des patienten|name der patientin|(vor|ruf)name"
        "|nome|cognome|sobrenome|paziente|nome (do|del) pa[cz]iente|naam|achternaam|voornaam|patientnaam|navn|namn"
        "|fornavn|etternavn|efternavn|efternamn|imie|nazwisko|imie i nazwisko|pacjent|фио|ф и о|имя|фамилия|пациент"
        "|姓名|患者姓名|病人姓名|名前|氏名|患者名|患者氏名"
    ),
    "id": (
        "id|pid|mrn|ssn|cpf|(patient|subject|person|client|participant|hospital|national)s? (id|ids|number|no|nr|code"
        "|identifier)|patientid|subjectid|(medical|health) record (number|no|id)|(social security|insurance|nhs)"
        " (number|no|id)|id (del )?paciente|identificacion|identificacao|dni|rut|curp|codice fiscale"
        "|patienten ?(nummer|nr|id)|pat (id|nr|no)|fall(nummer| nr)|versichertennummer|historia clinica|nhc"
        "|numero de (dossier|securite sociale)|personnummer|pesel|病历号|住院号|患者id|患者番号"
    ),
    "birth_date": (
        "birthdate|birth date|birthday|date of birth|dob|born|year of birth|birth year|(patient|subject)s? (birth"
        " ?date|birthday|date of birth|dob)|fecha (de )?nacimiento|date (de )?naissance|nee? le|nacido"
        "|geburts(datum|tag|jahr)|geb( dat(um)?)?|geboren( am)?|data di nascita|data (de )?nascimento|geboortedatum"
        "|fodselsdato|fodelsedatum|data urodzenia|дата рождения|生年月日|出生日期|出生年月"
    ),
    "physician": (
        "((referring|attending|ordering|reading|requesting|responsible|confirming|overreading)"
        " )?(physician|physicians|doctor|dr|cardiologist|clinician)( (name|id))?|(confirmed|overread|reviewed|read"
        "|ordered|requested) by|medicos?|medica|medecin|arzt|arztin|(haus|behandelnder )arzt|cardiologo|cardiologue"
        "|kardiologe|lakarz|lege|врач|医生|医師|担当医"
    ),
    "operator": "operator|technician|technologist|nurse|editor|(operator|technician|editor)s? (name|id)|acquired by",
    "institution": (
        "institution|hospital|clinic|facility|department|ward|room|bed|location|organi[sz]ation|(institution|hospital"
        "|clinic|facility|department|location|site|organi[sz]ation) (name|id|number)|krankenhaus|klinik|praxis|hopital"
        "|etablissement|clinique|clinica|ospedale|ziekenhuis|sykehus|sjukhus|szpital|больница|医院|病院|施設名"
    ),
    "device_serial": "serial|serial (number|no|nr)|(device|recorder|machine|cart) (serial|serial number|id|number)",
    "accession": (
        "accession|(accession|order|visit|encounter|admission|case|account|exam|examination|test) (id|number|no|nr)"
    ),
    "contact": "address|home address|street|city|zip|zip code|postcode|telephone|phone|phone number|mobile|e ?mail"
    "|adresse|anschrift|strasse|wohnort|direccion|domicilio|endereco|indirizzo|adres|telefon[eo]?|handy|correo|courriel"
    "|адрес|телефон|住所|地址|电话|電話番号",
}
_SEPARATOR = re.compile("[:=]")
_FIELDS = {field: re.compile(written) for field, written in _WRITTEN.items()}
# What else a file says of a patient ("Unknown", "White", "Male") is a word of medicine too, and names nobody.
_NAMING = (*_WRITTEN, "document")
# The words of a name by themselves too, but for those that electrocardiographs use.
_NAMES_OF_PEOPLE = ("name", "physician", "operator")
_NOT_A_NAME = frozenset(
    "atrial beat beats block born clinic date doctor dose early edited first hospital left long lung name none"
    " normal note pace paced peak physician pulse rate right sharp short sign sinus slow small strain test time unit"
    " unknown wave weak white young".split()
)
# A statement's or comment's end that names who read the record, as electrocardiographs write it.
_SIGNED = re.compile(
    r"\b((?:confirmed|signed|reviewed|overread|over-read|read|interpreted|verified|edited|referred|ordered) by)\b"
    r"[\s:]*([^\s;][^;]*)",
    re.IGNORECASE,
)
# Shorter values ("Dr", "12") stand in other words by chance.
_SHORTEST_HIDDEN = 4
HIDDEN = "[removed]"


# the records of a corpus have the same labels
@lru_cache(maxsize=1024)
def patient_field(label: str) -> str | None:
    """The field of `Record.patient` that a label in a header names ("Patient ID", "<subject_id>"); None for others.

    Example:
        >>> from hf_ecg.signals.patient_fields import patient_field
        >>> [patient_field(label) for label in ("Patient ID", "DOB", "Referring physician", "Dx")]
        ['id', 'birth_date', 'physician', None]
    """
    words = _plain(label)
    return next((field for field, written in _FIELDS.items() if written.fullmatch(words)), None)


def _plain(label: str) -> str:
    """Its words in small letters, without accents and signs; "PatientName" has two."""
    # Japanese marks of voice and Hangul are parts of their letters, and Cyrillic ones of theirs: put together again
    apart = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label))
    bare = unicodedata.normalize("NFKC", re.sub("[\u0300-\u0305\u0307-\u0345]", "", apart)).casefold()
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"'s\b", "s", bare.replace("\u0142", "l").replace("\u00f8", "o"))))


def split_comments(comments: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The comments that name nobody, and the fields of the others, which are lines "key: value" or "key = value".

    Of a field that stands there several times, the values come joined by "; ". Age and sex stay comments.
    """
    kept: list[str] = []
    patient: dict[str, str] = {}
    for line in comments:
        key, *rest = _SEPARATOR.split(line, maxsplit=1)
        field, value = patient_field(key), "".join(rest).strip()
        if field is None or not value:
            kept.append(line)
        else:
            _add(patient, field, value)
    return kept, patient


def _add(patient: dict[str, str], field: str, value: str) -> None:
    if value not in patient.get(field, "").split("; "):
        patient[field] = "; ".join(filter(None, (patient.get(field, ""), value)))


def clear_comments(comments: Iterable[str]) -> list[str]:
    """The comments without those that name somebody; their values are taken out of the others."""
    kept, patient = split_comments(comments)
    hide = _hider(patient)
    return [hide(line) for line in kept]


def with_patient(record: Record, keep_identifiers: bool) -> Record:
    """The record with what names somebody in `patient` alone, or nowhere.

    What its reader left in the comments goes to `patient` first. Without `keep_identifiers` that is emptied, and what
    it held is taken out of every text of the record, as a device writes names into its statements too.
    """
    comments, found = split_comments(record.comments)
    for line in (*comments, *record.statements):
        if signed := _SIGNED.search(line):
            _add(found, "physician", signed[2])
    patient = {**found, **record.patient}
    if "physician" in found and "physician" in record.patient:
        patient["physician"] = "; ".join((record.patient["physician"], found["physician"]))
    if not patient:
        return record
    if keep_identifiers:
        return replace(record, comments=comments, patient=patient)
    hide = _hider(patient)
    return replace(
        record,
        patient={},
        comments=[hide(line) for line in comments],
        device=hide(record.device) if record.device else record.device,
        statements=tuple(hide(line) for line in record.statements),
        remarks=tuple(hide(line) for line in record.remarks),
        annotations=tuple(replace(note, text=hide(note.text)) for note in record.annotations),
    )


def _hider(patient: Mapping[str, str]):
    values = {
        form
        for field, written in patient.items()
        if field in _NAMING
        for value in written.split("; ")
        for form in _forms(value, field in _NAMES_OF_PEOPLE)
        if len(form) >= _SHORTEST_HIDDEN
    }
    if not values:
        return lambda text: text
    longest_first = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
    written = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE)
    return lambda text: written.sub(HIDDEN, text)


def _forms(value: str, is_name: bool) -> set[str]:
    """A value as it may stand in a sentence: names as "Doe^Jane", "Doe, Jane", "Doe Jane", "Jane Doe", or a part."""
    parts = [part for part in re.split(r"[\^,\s]+", value) if part]
    orders = (parts, parts[::-1])
    joined = {mark.join(order) for order in orders for mark in (" ", ", ", ",", "^")}
    alone = {part for part in parts if part.isalpha() and part.lower() not in _NOT_A_NAME} if is_name else set()
    return {value.strip()} | joined | alone
