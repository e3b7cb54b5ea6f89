"""Golden cases: what an original computes from made weights and inputs, and our numbers held against it.

A case is a folder with `spec.json` (the original's tensors, inputs, and what each output is) and one
`expected_seed<N>.npz` a seed. The functions that run our side stand beside what they check, in files `golden_*.py`;
`hf_ecg.golden_check` knows all of them.
"""

from .agreement import Agreement as Agreement
from .agreement import Rough as Rough
from .case import GoldenCase as GoldenCase
from .report import CaseReport as CaseReport
