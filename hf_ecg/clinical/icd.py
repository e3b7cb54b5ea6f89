"""What diagnosis codes of a hospital (ICD-9-CM, ICD-10-CM) say about the inputs of a cardiovascular risk score."""

import re

# Codes are written without a dot, as MIMIC-IV has them.
_DIABETES = {9: re.compile(r"250"), 10: re.compile(r"E(08|09|10|11|13)")}
# Dependence on tobacco now; F17.2x1 is "in remission", F17.22 chewing. Z87.891 and V15.82 say that it is over.
_SMOKES = {9: re.compile(r"3051"), 10: re.compile(r"F172[019](?!1)|F172$|Z720")}
_SMOKED = {9: re.compile(r"V1582"), 10: re.compile(r"Z87891|F172[019]1")}
# Coronary, cerebrovascular (not haemorrhagic) and peripheral atherosclerotic disease, its old events and repairs.
_PRIOR_DISEASE = {
    9: re.compile(r"41[0-4]|43[3-5]|440|4439|4292|V1254|V4581|V4582"),
    10: re.compile(r"I2[0-5]|I6[356]|I693|G45[01289]|I70|I739|Z951|Z955|Z9861|Z8673"),
}


def risk_statements(code: str, version: int) -> dict[str, bool]:
    """What one code says, under the names of `score2_risk`.

    Args:
        code: "I25.10" or "I2510".
        version: 9 or 10.

    Returns:
        Some of `diabetes`, `smoker` (false for "history of nicotine dependence") and `prior_disease`; nothing for most
        codes. A code never says that a disease is absent.

    Raises:
        ValueError: another version.

    Example:
        >>> risk_statements("Z87.891", 10), risk_statements("I2510", 10)
        ({'smoker': False}, {'prior_disease': True})
    """
    if version not in (9, 10):
        raise ValueError(f"the ICD version is {version!r}, wanted 9 or 10")
    code = code.strip().replace(".", "").upper()
    said: dict[str, bool] = {}
    if _DIABETES[version].match(code):
        said["diabetes"] = True
    if _SMOKED[version].match(code):
        said["smoker"] = False
    elif _SMOKES[version].match(code):
        said["smoker"] = True
    if _PRIOR_DISEASE[version].match(code):
        said["prior_disease"] = True
    return said
