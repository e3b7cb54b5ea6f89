"""How fast MIMIC-IV-ECG is prepared, and whether memory stays flat: on made-up records in the corpus's own layout.

    python tests/benchmarks/mimic_iv_ecg.py [--work_dir DIR] [--records 5000 10000 20000] [--num_proc 1]

Needs 240 kB of disk a record. Each number of records is prepared by `dataset_scripts/mimic_iv_ecg.py` in a process of
its own (`--limit`, with risk inputs and risk); peak memory is that of the process and, with --num_proc, of its largest
worker. Hours for all of the corpus are extrapolated from the last line: your disk, not made-up files in its cache,
may be the limit.
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))

from made_mimic import MadeMimic, fill

SCRIPT = Path(__file__).resolve().parents[2] / "dataset_scripts" / "mimic_iv_ecg.py"
ALL = 800_035
MEASURED = """
import importlib.util, resource, sys
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
script.main(sys.argv[2:])
print("peak", *(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def machine() -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work_dir", type=Path, help="folder for the records; default: a temporary one")
    parser.add_argument("--records", type=int, nargs="+", default=[5000, 10000, 20000])
    parser.add_argument("--num_proc", type=int, default=1)
    args = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(dir=args.work_dir))
    try:
        started = time.perf_counter()
        made = fill(MadeMimic(folder / "raw"), max(args.records))
        print(f"{machine()}; {max(args.records)} records made in {time.perf_counter() - started:.0f} s", flush=True)
        print(
            f"{'records':>8}{'processes':>11}{'seconds':>9}{'CPU s':>8}{'records/s':>11}{'peak MB':>9}{'workers':>9}"
        )
        for records in args.records:
            command = [sys.executable, "-c", MEASURED, str(SCRIPT)]
            command += ["--data_dir", str(made.folder), "--mimic_iv_dir", str(made.mimic_iv), "--risk", "low"]
            command += ["--output_dir", str(folder / f"out{records}"), "--limit", str(records)]
            command += ["--num_proc", str(args.num_proc)]
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True)
            seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                raise RuntimeError(done.stderr)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            peak, worker = (int(kilobytes) / 1024 for kilobytes in done.stdout.split()[-2:])
            print(
                f"{records:>8}{args.num_proc:>11}{seconds:>9.1f}{cpu:>8.1f}{records / seconds:>11.0f}{peak:>9.0f}"
                f"{worker:>9.0f}",
                flush=True,
            )
            shutil.rmtree(folder / f"out{records}")
        hours = ALL / (records / seconds) / 3600
        print(
            f"all {ALL} records: {hours:.1f} h at this rate, {ALL / (records / cpu) / 3600:.1f} h of one core's time"
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
