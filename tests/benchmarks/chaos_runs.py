"""Commands run in processes that can be hurt: forked from one that has imported everything, so that moments count."""

import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_NEW_MOUNTS = 0x00020000
_LONGEST = 120.0


class Runner:
    """Starts commands; a Hub of its own takes the pushes. Everything is imported once, in `with`."""

    def __init__(self, work: Path):
        self.work = work

    def __enter__(self) -> "Runner":
        from tests.hub.loopback import LoopbackHub

        class Hub(LoopbackHub):
            def has(self, repo_id: str) -> bool:
                try:
                    return bool(self.files(repo_id))
                except (KeyError, LookupError):
                    return False

        self.hub = Hub().__enter__()
        os.environ |= {
            "HF_HOME": str(self.work / "home"),
            "HF_ENDPOINT": self.hub.url,
            "HF_TOKEN": "hf_test",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "ACCELERATE_USE_CPU": "true",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        import hf_ecg.cli.endings
        import hf_ecg.embed
        import hf_ecg.enrichment.proposals.proposal_run
        import hf_ecg.enrichment.verification.verification_run
        import hf_ecg.hub
        import hf_ecg.simulation
        import hf_ecg.studies.comparison.comparison_run
        import hf_ecg.training  # noqa: F401

        sys.argv = ["chaos.py"]  # what reports and cards name
        return self

    def __exit__(self, *_) -> None:
        self.hub.__exit__(None, None, None)

    def start(self, task, again: list[str]):
        """What starts a command; its keyword `clock` moves the command's clock by so many seconds."""

        def begin(clock: float = 0.0) -> "Run":
            arguments = [*task.arguments, str(task.output), *again]
            if task.name == "push":
                arguments = [*task.arguments[:-1], *again]
            return Run(task.words, arguments, task.ranks, self.work / "said", clock)

        return begin

    def clean(self, folder: Path) -> None:
        """An empty folder for a command's output, without the caches and repositories of an earlier one."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if folder.name == "push":
            self.hub.repositories.clear()

    def move(self, folder: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)

    @staticmethod
    def label_set(corpus: Path) -> str:
        """A label set of a prepared corpus."""
        return next(iter(json.loads((corpus / "summary.json").read_text())["classes"]))


class Run:
    """A running command: one process, or several ranks, each the leader of a group of its own."""

    def __init__(self, words: str, arguments: list[str], ranks: int, folder: Path, clock: float):
        folder.mkdir(exist_ok=True)
        self.said = folder / f"{time.monotonic_ns()}.txt"
        self.began = time.perf_counter()
        port = _free_port()
        self.pids = [self._fork(words, arguments, rank, ranks, port, clock) for rank in range(ranks)]
        self.codes: dict[int, int] = {}

    def _fork(self, words, arguments, rank: int, ranks: int, port: int, clock: float) -> int:
        if pid := os.fork():
            return pid
        code = 70
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            file = os.open(self.said, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
            os.dup2(file, 1)
            os.dup2(file, 2)
            if ranks > 1:
                os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
                os.environ |= {"LOCAL_WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            if clock:
                now = time.time
                time.time = lambda: now() + clock
            from hf_ecg.cli.endings import run

            run(words, arguments)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def wait_until(self, moment: float) -> None:
        """Sleeps until so many seconds after the start, or the end."""
        while time.perf_counter() - self.began < moment and not self._look():
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """To the whole group, as a terminal or a scheduler sends it."""
        for pid in self.pids:
            if pid not in self.codes:
                _send(os.killpg, pid, number)

    def kill_one(self, which: str, rng) -> None:
        """SIGKILL to one rank, or to a process that loads for it."""
        if which == "rank":
            _send(os.kill, self.pids[int(rng.integers(len(self.pids)))], signal.SIGKILL)
            return
        while not (loaders := _children(self.pids[0])) and not self._look():
            time.sleep(0.01)
        if loaders:
            _send(os.kill, loaders[int(rng.integers(len(loaders)))], signal.SIGKILL)

    def wait(self) -> tuple[int, str]:
        """Status and what was said; once one rank has failed the others are ended, as launchers do."""
        deadline = self.began + _LONGEST
        while not self._look():
            if any(self.codes.values()) and deadline > time.perf_counter() + 10:
                deadline = time.perf_counter() + 10
                self.signal(signal.SIGTERM)
            if time.perf_counter() > deadline:
                self.signal(signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.01)
        for pid in self.pids:
            _send(os.killpg, pid, signal.SIGKILL)  # what a killed parent left behind
        said = self.said.read_text(errors="replace") if self.said.is_file() else ""
        lines = said.replace("\r", "\n").splitlines()
        tail = said if "Traceback" in said else " ".join(lines[-1:])
        return next((code for code in self.codes.values() if code), 0), tail

    def _look(self) -> bool:
        for pid in self.pids:
            if pid not in self.codes:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    self.codes[pid] = os.waitstatus_to_exitcode(status)
        return len(self.codes) == len(self.pids)


class Disk:
    """Small and read-only file systems in place of a folder, or a limit of a file's size where none can be mounted."""

    def __enter__(self) -> "Disk":
        own = ctypes.CDLL(None, use_errno=True)
        self.mounts = sys.platform == "linux" and os.geteuid() == 0 and own.unshare(_NEW_MOUNTS) == 0
        # mounts are seen by this program and its children alone, and are gone with them
        self.mounts = self.mounts and _mount("--make-rprivate", "/")
        return self

    def __exit__(self, *_) -> None:
        pass

    def limit(self, folder: Path, how: str, rng) -> None:
        size = int(2 ** rng.uniform(3, 9))  # KiB
        if not self.mounts:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return
        _mount("-t", "tmpfs", "-o", f"size={size}k" if how == "full" else "ro", "tmpfs", str(folder))

    def lift(self, folder: Path) -> None:
        if self.mounts:
            _mount("-o", "remount,rw,size=256m", str(folder))
            kept = folder.with_name(f"{folder.name}.kept")
            shutil.copytree(folder, kept, symlinks=True)
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()
            kept.rename(folder)
        else:
            most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def tear(folder: Path, output: Path, rng) -> str:
    """Cuts some of the files that a killed command left unfinished, as a power cut does."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != output]
    unfinished = [path for path in paths if output not in path.parents or path.suffix in (".jsonl", ".incomplete")]
    # the marker is on the disk before anything else is written; without it a folder is taken for somebody's
    unfinished = [path for path in unfinished if path.name != ".hf_ecg.json"]
    torn = []
    for path in unfinished:
        if rng.random() < 0.5 and (size := path.stat().st_size):
            os.truncate(path, int(rng.integers(size)))
            torn.append(path.name)
    return ", ".join(torn[:4]) or "nothing"


def _send(send, pid: int, number: int) -> None:
    try:
        send(pid, number)
    except ProcessLookupError:
        pass


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(part) for part in text.split()]


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
