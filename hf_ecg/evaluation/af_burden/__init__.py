"""AF burden of long recordings: the share of time in atrial fibrillation, window by window, with what is not known."""
