"""What a feature extractor lets a model see, in words for a card."""

from typing import Any

from .feature_extraction_ecg import ECGFeatureExtractor
from .steps.requirements import RequireLength
from .steps.step_table import build_step


def describe_input(extractor: ECGFeatureExtractor) -> dict[str, Any]:
    """Rate, length, leads, units, steps and voltage, one sentence or list each."""
    rate, samples = extractor.sampling_rate, extractor.num_samples
    length = "any length" if samples is None else f"{samples} samples ({samples / rate:g} s)"
    limits = [step.wanted for step in map(build_step, extractor.steps) if isinstance(step, RequireLength)]
    length = limits[0] if limits and samples is None else length
    single = any(step["name"] == "pick_lead" for step in extractor.steps)
    names = [step["name"] for step in extractor.steps]
    kept = next((", ".join(step["leads"]) for step in extractor.steps if step["name"] == "keep_leads"), None)
    leads = ", ".join(extractor.leads)
    leads = f"{kept} alone; the others of {leads} are zero" if kept else f"{'one of ' if single else ''}{leads}"
    other = "any other rate is resampled" if "resample" in names else "another rate is refused"
    return {
        "rate": f"{rate:g} Hz; {other}",
        "length": length,
        "leads": leads,
        "units": "mV, uV or V, which the caller names; WFDB records carry their own",
        "steps": ", ".join(names),
        "voltage": describe_voltage(extractor),
        # how a call names the lead of a single-lead model
        "lead_argument": f', lead="{extractor.leads[0]}"' if single else "",
        # a record that is cut into several crops gives as many rows, and `record_index` beside them
        "several_crops": "record_index" in extractor.model_input_names,
    }


def describe_voltage(extractor: ECGFeatureExtractor) -> str:
    """Whether the model can tell a small ECG from a large one, as voltage criteria of hypertrophy need it."""
    for step in extractor.steps:
        if step["name"] != "normalise" or step["method"] == "divide":
            continue
        how = f"{step['method']} over each {step['over']}"
        if step.get("return_amplitude"):
            return (
                f"not visible in the waveform ({how}), but handed on beside it as `amplitude` (offset and scale"
                " of each lead in mV)"
            )
        kept = ", only the leads' sizes beside each other are" if step["over"] == "record" else ""
        return f"**not visible** ({how}{kept}): voltage criteria, such as those of hypertrophy, are lost on this model"
    return "visible: the waveform reaches the model in millivolts, or divided by a constant"
