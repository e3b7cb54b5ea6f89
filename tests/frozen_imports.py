"""Imported last by the server of `tests.processes`: what is there by then lives as long as the process."""

import gc

gc.freeze()
