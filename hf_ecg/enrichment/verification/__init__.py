"""Whether a signal shows a waveform feature: a measured answer, a learned one, or none."""
