"""Numbers of leads in SCP-ECG, which DICOM (SCPECG 5.6.3-9-N, MDC 2:N) and MFER use too.

Source: EN 1064 (SCP-ECG) section 5.6.3; DICOM PS3.16 CID 3001. Numbers above 100 of MFER are other things.
"""

SCP_LEADS = {
    **dict(enumerate(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V2R", "V3R", "V4R", "V5R", "V6R"), 1)),
    **{15: "V7R", 16: "X", 17: "Y", 18: "Z", 19: "CC5", 20: "CM5", 21: "LA", 22: "RA", 23: "LL"},
    **{24: "fI", 25: "fE", 26: "fC", 27: "fA", 28: "fM", 29: "fF", 30: "fH"},
    **{61: "III", 62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R"},
    **{70: "D", 71: "A", 72: "J"},
}
