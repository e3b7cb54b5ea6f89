"""The numbers that an electrocardiograph stores with a record, as MIMIC-IV-ECG's machine_measurements.csv has them."""

# The machine's "not measurable", and what a ten-second recording can hold: milliseconds, degrees.
SENTINELS = (29999, 32767, -32767, -32768, 65535)
MEASUREMENT_RANGES = {"rr_interval": (1, 10000)}
MEASUREMENT_RANGES |= dict.fromkeys(("p_onset", "p_end", "qrs_onset", "qrs_end", "t_end"), (0, 10000))
MEASUREMENT_RANGES |= dict.fromkeys(("p_axis", "qrs_axis", "t_axis"), (-360, 360))
