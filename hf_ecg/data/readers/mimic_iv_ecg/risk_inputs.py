"""What MIMIC-IV's tables say about the inputs of a cardiovascular risk score, dated at or before each ECG."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ....clinical.icd import risk_statements
from ....clinical.score2 import PLAUSIBLE, cholesterol_mg_dl_to_mmol_l
from .tables import NUMBER, TEXT, TIME, WHOLE, seconds, stream_table

CLINICAL_TABLES = (
    "hosp/patients",
    "hosp/omr",
    "hosp/labevents",
    "hosp/admissions",
    "hosp/diagnoses_icd",
    "ed/edstays",
    "ed/triage",
)
RISK_COLUMNS = (
    "age",
    "sex",
    "smoker",
    "sbp_mmhg",
    "sbp_source",
    "total_cholesterol_mmol_l",
    "hdl_cholesterol_mmol_l",
    "diabetes",
    "prior_disease",
)
# Seated, or said to be nothing else: standing and lying pressures are not what risk scores were made from.
_PRESSURES = ("Blood Pressure", "Blood Pressure Sitting")
_LABS = {50907: "total_cholesterol_mmol_l", 50904: "hdl_cholesterol_mmol_l", 50852: "hba1c_percent"}
_UNITS = {"mg/dl": cholesterol_mg_dl_to_mmol_l, "mmol/l": float}
_DIABETIC_HBA1C = 6.5  # percent; American Diabetes Association, Standards of Care
_OLDEST = 89
_YEAR = 365.25 * 86400


def add_risk_inputs(
    database: sqlite3.Connection, tables: Mapping[str, Path], patients: pa.Array, max_age_years: float, progress: bool
) -> dict:
    """Fills the table `risk`, a line for every line of `record`; empty without `hosp/patients`.

    Pressure and blood values are the latest ones of at most `max_age_years` before the ECG, pressure the mean of that
    day's (outpatient ones first, then triage in the emergency department). Diagnoses count from the end of their
    admission. Smoking is the latest statement within `max_age_years`; without one it is not known. Diabetes: a code or
    an HbA1c of 6.5 % before; "no" needs an admission with codes, or a lower HbA1c. Prior disease: a code; "no" needs
    an admission with codes.

    Returns:
        How many records know each input, and what was refused in which table.
    """
    database.execute("CREATE TABLE patient (subject_id INTEGER PRIMARY KEY, sex TEXT, anchor_age, anchor_year)")
    database.execute("CREATE TABLE fact (subject_id INTEGER, kind TEXT, time INTEGER, value REAL)")
    reader = _FactReader(database, tables, patients, progress)
    if "hosp/patients" in tables:
        reader.read_patients()
    for needed, read in (
        (("hosp/omr",), reader.read_outpatient_pressures),
        (("hosp/labevents",), reader.read_blood_values),
        (("hosp/diagnoses_icd", "hosp/admissions"), reader.read_diagnoses),
        (("ed/triage", "ed/edstays"), reader.read_triage),
    ):
        if all(name in tables for name in needed):
            read()
        elif needed[0] in tables:
            raise FileNotFoundError(f"{tables[needed[0]]} has no dates without {needed[1]}.csv, which is not there")
    database.execute("CREATE INDEX fact_by_time ON fact (subject_id, kind, time)")
    _join(database, max_age_years * _YEAR)
    wrong = database.execute(
        "UPDATE risk SET hdl_cholesterol_mmol_l = NULL WHERE hdl_cholesterol_mmol_l > total_cholesterol_mmol_l"
    ).rowcount
    if wrong:
        reader.refused["hosp/labevents: HDL cholesterol above total, records"] = wrong
    known = ", ".join(f"COUNT({name})" for name in RISK_COLUMNS)
    counts = database.execute(f"SELECT {known} FROM risk").fetchone()
    return {"known": dict(zip(RISK_COLUMNS, counts, strict=True)), "refused": dict(reader.refused)}


class _FactReader:
    """Reads tables into `fact`, lines of patients with an ECG only."""

    def __init__(self, database: sqlite3.Connection, tables: Mapping[str, Path], patients: pa.Array, progress: bool):
        self.database, self.tables, self.patients, self.progress = database, tables, patients, progress
        self.refused: Counter = Counter()

    def blocks(self, name: str, types: Mapping[str, pa.DataType]):
        for batch in stream_table(self.tables[name], types, self.progress):
            yield batch.filter(pc.is_in(batch["subject_id"], self.patients))

    def add(self, facts) -> None:
        self.database.executemany("INSERT INTO fact VALUES (?, ?, ?, ?)", facts)

    def read_patients(self) -> None:
        types = {"subject_id": WHOLE, "gender": TEXT, "anchor_age": NUMBER, "anchor_year": WHOLE}
        for batch in self.blocks("hosp/patients", types):
            patient, gender, age, year = (batch[name].to_pylist() for name in types)
            unknown = sorted({str(value) for value in gender} - {"F", "M", "None"})
            if unknown:
                raise ValueError(f"{self.tables['hosp/patients']}: gender holds {unknown}, wanted F or M")
            sex = [{"F": "female", "M": "male"}.get(value) for value in gender]
            try:
                lines = zip(patient, sex, age, year, strict=True)
                self.database.executemany("INSERT INTO patient VALUES (?, ?, ?, ?)", lines)
            except sqlite3.IntegrityError as error:
                raise ValueError(f"{self.tables['hosp/patients']}: a patient stands there twice") from error

    def read_outpatient_pressures(self) -> None:
        types = {"subject_id": WHOLE, "chartdate": TIME, "result_name": TEXT, "result_value": TEXT}
        for batch in self.blocks("hosp/omr", types):
            batch = batch.filter(pc.is_in(batch["result_name"], pa.array(_PRESSURES)))
            systolic = [(value or "").split("/")[0] for value in batch["result_value"].to_pylist()]
            self._add_pressures("hosp/omr", "outpatient", batch["subject_id"], seconds(batch["chartdate"]), systolic)

    def read_triage(self) -> None:
        stays = "CREATE TABLE stay (stay_id INTEGER PRIMARY KEY, time INTEGER)"
        self.database.execute(stays)
        for batch in self.blocks("ed/edstays", {"subject_id": WHOLE, "stay_id": WHOLE, "intime": TIME}):
            lines = zip(batch["stay_id"].to_pylist(), seconds(batch["intime"]), strict=True)
            self.database.executemany("INSERT OR REPLACE INTO stay VALUES (?, ?)", lines)
        for batch in self.blocks("ed/triage", {"subject_id": WHOLE, "stay_id": WHOLE, "sbp": TEXT}):
            times = [self._time("stay", "stay_id", stay) for stay in batch["stay_id"].to_pylist()]
            self._add_pressures("ed/triage", "emergency", batch["subject_id"], times, batch["sbp"].to_pylist())

    def _add_pressures(self, table: str, kind: str, patients: pa.Array, times: list, values: list) -> None:
        lowest, highest = PLAUSIBLE["sbp_mmhg"]
        for patient, time, text in zip(patients.to_pylist(), times, values, strict=True):
            try:
                value = float(text) if text else None
            except ValueError:
                value = None
            if value is None or time is None or not lowest <= value <= highest:
                self.refused[f"{table}: no systolic pressure of {lowest} to {highest} mmHg, or no date"] += 1
            else:
                self.add([(patient, kind, time, value)])

    def read_blood_values(self) -> None:
        types = {"subject_id": WHOLE, "itemid": WHOLE, "charttime": TIME, "valuenum": NUMBER, "valueuom": TEXT}
        wanted = pa.array(list(_LABS), pa.int64())
        for batch in self.blocks("hosp/labevents", types):
            batch = batch.filter(pc.is_in(batch["itemid"], wanted))
            columns = [batch[name].to_pylist() for name in ("subject_id", "itemid", "valuenum", "valueuom")]
            for patient, item, value, unit, time in zip(*columns, seconds(batch["charttime"]), strict=True):
                name = _LABS[item]
                lowest, highest = PLAUSIBLE.get(name, (2, 25))
                if value is not None and name in PLAUSIBLE:
                    convert = _UNITS.get((unit or "mg/dL").strip().lower())
                    value = None if convert is None else float(convert(value))
                if value is None or time is None or not lowest <= value <= highest:
                    self.refused[f"hosp/labevents: no usable {name}"] += 1
                else:
                    self.add([(patient, name, time, value)])

    def read_diagnoses(self) -> None:
        self.database.execute("CREATE TABLE admission (hadm_id INTEGER PRIMARY KEY, time INTEGER, coded INTEGER)")
        for batch in self.blocks("hosp/admissions", {"subject_id": WHOLE, "hadm_id": WHOLE, "dischtime": TIME}):
            lines = zip(batch["hadm_id"].to_pylist(), seconds(batch["dischtime"]), strict=True)
            self.database.executemany("INSERT OR REPLACE INTO admission VALUES (?, ?, 0)", lines)
        types = {"subject_id": WHOLE, "hadm_id": WHOLE, "icd_code": TEXT, "icd_version": WHOLE}
        known: dict[tuple, dict] = {}
        for batch in self.blocks("hosp/diagnoses_icd", types):
            for patient, admission, *code in zip(*(batch[name].to_pylist() for name in types), strict=True):
                if (code := tuple(code)) not in known:
                    known[code] = risk_statements(code[0] or "", code[1])
                query = "UPDATE admission SET coded = coded + 1 WHERE hadm_id = ? RETURNING time, coded"
                time, coded = self.database.execute(query, (admission,)).fetchone() or (None, 0)
                if time is None:
                    self.refused["hosp/diagnoses_icd: a code without date"] += 1
                    continue
                self.add((patient, f"code: {name}", time, float(value)) for name, value in known[code].items())
                if coded == 1:
                    self.add([(patient, "coded", time, 1.0)])

    def _time(self, table: str, key: str, value) -> int | None:
        found = self.database.execute(f"SELECT time FROM {table} WHERE {key} = ?", (value,)).fetchone()
        return found and found[0]


def _join(database: sqlite3.Connection, window: float) -> None:
    def before(kind, what="1", condition="TRUE", within=False):
        since = f"AND time >= record.time - {window}" if within else ""
        return f"""(SELECT {what} FROM fact WHERE fact.subject_id = record.subject_id AND kind = '{kind}'
            AND time <= record.time {since} AND {condition})"""

    def latest(kind, what="AVG(value)"):
        # several values of one time: their mean, or the worst
        return before(kind, what, f"time = {before(kind, 'MAX(time)', within=True)}")

    diabetic = f"value >= {_DIABETIC_HBA1C}"
    database.execute(f"""CREATE TABLE risk AS SELECT study_id,
        CASE WHEN anchor_age IS NULL OR anchor_year IS NULL THEN NULL
            WHEN anchor_age + strftime('%Y', time, 'unixepoch') - anchor_year > {_OLDEST} THEN {_OLDEST + 1.0}
            WHEN anchor_age + strftime('%Y', time, 'unixepoch') - anchor_year < 0 THEN NULL
            ELSE anchor_age + strftime('%Y', time, 'unixepoch') - anchor_year END AS age,
        sex,
        {latest("code: smoker", "MAX(value)")} AS smoker,
        COALESCE({latest("outpatient")}, {latest("emergency")}) AS sbp_mmhg,
        CASE WHEN EXISTS {before("outpatient", within=True)} THEN 'outpatient'
            WHEN EXISTS {before("emergency", within=True)} THEN 'emergency' END AS sbp_source,
        {latest("total_cholesterol_mmol_l")} AS total_cholesterol_mmol_l,
        {latest("hdl_cholesterol_mmol_l")} AS hdl_cholesterol_mmol_l,
        CASE WHEN EXISTS {before("code: diabetes")} OR EXISTS {before("hba1c_percent", "1", diabetic)} THEN 1
            WHEN EXISTS {before("coded")} OR EXISTS {before("hba1c_percent", within=True)} THEN 0 END AS diabetes,
        CASE WHEN EXISTS {before("code: prior_disease")} THEN 1 WHEN EXISTS {before("coded")} THEN 0 END
            AS prior_disease
        FROM record LEFT JOIN patient USING (subject_id)""")
    database.execute("CREATE UNIQUE INDEX risk_of_study ON risk (study_id)")
