"""Simulated twelve-lead ECGs with known truth: for a demonstration without data and for tests, never for evidence."""

from .conditions import CONDITIONS
from .corpus import simulated_corpus
from .heart import BeatTimes
from .parameters import Parameters
from .simulator import SimulatedECG, simulate_ecg
from .wfdb_file import write_wfdb

__all__ = ["CONDITIONS", "BeatTimes", "Parameters", "SimulatedECG", "simulate_ecg", "simulated_corpus", "write_wfdb"]
