"""From a report to waveform features that the signal supports."""
