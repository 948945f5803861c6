"""Does the ledger lose a line? ``python -m benchmarks.ledger_faults [--kills 500] [--small]``.

Every try is a process of its own that appends and, once :func:`forecast.record.ledger.append` has
returned, says the line's hash through a pipe: that line is acknowledged. Then the fault: eight
processes at once, a kill (SIGKILL) at a random moment or amid a write, a full disk (a limit on a file's size, and a
small tmpfs where one can be mounted), a folder or file that may only be read (as another user). After
each try no acknowledged line may be missing, at most one torn line may be set aside by the next append, and the
chain must verify. Needs Linux; writes ``results/ledger-faults.csv``, and beside it what it was made from.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.tables.hashes import code_sha256, files_sha256
from forecast.tables.paths import SEED

DAY = dt.date(2026, 1, 1)
CHAIN = "acme"
#: Bytes of a record: as small as a note, as long as a forecast, and long.
SIZES = (100, 6_000, 1_000_000, 1_000_000)
#: Kills of one chain; then another begins, so that the last check of a chain does not take for ever.
KILLS_A_CHAIN = 5
#: Bytes of a record whose writing lasts long enough to be killed amid it.
LONG = 8_000_000
#: Longest wait before a kill, from the first acknowledged line on, in seconds.
LONGEST_WAIT = 0.03
#: Nobody, who may write nowhere.
NOBODY = 65534


@dataclass
class Row:
    """What the tries of one fault came to."""

    fault: str
    tries: int = 0
    acknowledged: int = 0
    lost: int = 0
    torn_set_aside: int = 0
    most_torn_at_once: int = 0
    chains_good: int = 0

    def check(self, folder: Path, said: set[str], earlier: frozenset[str] = frozenset()) -> None:
        """Append once more, then count what is missing of all that was ever acknowledged, and what was torn."""
        torn = folder / f"{CHAIN}.torn"
        before = torn.read_bytes().count(b"\n") if torn.exists() else 0
        append(folder, "after", 100)
        aside = (torn.read_bytes().count(b"\n") if torn.exists() else 0) - before
        [verdict] = ledger.verify(folder)
        lines = {line.sha256 for line in ledger.read(folder, CHAIN)} if verdict.fault is None else set()
        self.tries += 1
        self.acknowledged += len(said)
        self.lost += len((said | earlier) - lines)
        self.torn_set_aside += aside
        self.most_torn_at_once = max(self.most_torn_at_once, aside)
        self.chains_good += verdict.fault is None and not verdict.torn

    @property
    def good(self) -> bool:
        """Whether all held that must hold."""
        return self.lost == 0 and self.most_torn_at_once <= 1 and self.chains_good == self.tries


def append(folder: Path, text: str, size: int) -> str:
    """Append one record; its hash acknowledges it."""
    record = {"kind": "note", "text": text, "padding": "x" * size}
    [line] = ledger.append(folder, CHAIN, [record], recorded_on=DAY)
    return line.sha256


@contextmanager
def child(work: Callable[[int], None]) -> Iterator[tuple[int, int]]:
    """A process that works and writes to a pipe: its id, and the end to read from."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reads)
        try:
            work(writes)
        except LedgerError:
            os._exit(3)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    os.close(writes)
    try:
        yield pid, reads
    finally:
        os.close(reads)


def acknowledged(reads: int) -> set[str]:
    """All that was said through a pipe, until its other end is closed."""
    said = b""
    while more := os.read(reads, 1 << 16):
        said += more
    return set(said.decode().split())


def ended(pid: int) -> int:
    """The exit code of a process; of a signal, its number below zero."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def appending(folder: Path, name: str, count: int, sizes: tuple[int, ...], seed: int) -> Callable[[int], None]:
    """Work for a process: append records, and acknowledge each."""

    def work(writes: int) -> None:
        rng = random.Random(seed)
        for n in range(count):
            os.write(writes, append(folder, f"{name} {n}", rng.choice(sizes)).encode() + b"\n")

    return work


def at_once(base: Path, tries: int) -> Row:
    """Eight processes append to one chain."""
    row = Row("eight processes at once")
    for n in range(tries):
        folder = base / f"at-once-{n}"
        running = [child(appending(folder, f"writer {k}", 25, SIZES[:2], SEED + k)) for k in range(8)]
        pipes = [one.__enter__() for one in running]
        said = set().union(*(acknowledged(reads) for _, reads in pipes))
        codes = [ended(pid) for pid, _ in pipes]
        for one in running:
            one.__exit__(None, None, None)
        assert codes == [0] * 8, f"writers ended with {codes}"
        assert len(said) == 200, f"{len(said)} lines acknowledged, not 200"
        row.check(folder, said)
        shutil.rmtree(folder)
    return row


def grows(file: Path, seconds: float) -> None:
    """Wait until a file grows: then somebody is amid a write."""
    before, until = file.stat().st_size, time.monotonic() + seconds
    while file.stat().st_size == before and time.monotonic() < until:
        pass


def kills(base: Path, tries: int, amid: bool) -> Row:
    """A process is killed, at a random moment or as soon as the file grows."""
    row, rng = Row(f"killed {'amid a write' if amid else 'at a random moment'} (SIGKILL)"), random.Random(SEED)
    folder, earlier = base, frozenset[str]()
    for n in range(tries):
        if n % KILLS_A_CHAIN == 0:
            folder, earlier = base / f"kill-{amid}-{n}", frozenset[str]()
        with child(appending(folder, f"try {n}", 10**9, (LONG,) if amid else SIZES, SEED + n)) as (pid, reads):
            first = os.read(reads, 65)
            if amid:
                grows(folder / f"{CHAIN}.jsonl", 1)
            else:
                time.sleep(rng.uniform(0, LONGEST_WAIT))
            os.kill(pid, signal.SIGKILL)
            said = acknowledged(reads) | {first.decode().strip()}
            assert ended(pid) == -signal.SIGKILL
        row.check(folder, said, earlier)
        earlier |= said
        if n % KILLS_A_CHAIN == KILLS_A_CHAIN - 1:
            shutil.rmtree(folder)
    return row


def limited(base: Path, tries: int) -> Row:
    """A file cannot grow beyond a limit, wherever in a line that falls."""
    row, rng = Row("full disk (limit of a file)"), random.Random(SEED)
    for n in range(tries):
        folder = base / f"limit-{n}"

        def work(writes: int, folder: Path = folder, room: int = rng.randrange(1, 40_000), n: int = n) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            appending(folder, "limited", 10**9, SIZES[:2], SEED + n)(writes)

        with child(work) as (pid, reads):
            said = acknowledged(reads)
            assert ended(pid) == 3, "the writer did not say that the disk is full"
        row.check(folder, said)
        shutil.rmtree(folder)
    return row


def full(base: Path, tries: int) -> Row | None:
    """A file system of 256 kB fills up; none where one cannot be mounted."""
    row, mount = Row("full disk (tmpfs of 256 kB)"), base / "tmpfs"
    mount.mkdir()
    for n in range(tries):
        words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
        if not shutil.which("mount") or subprocess.run(words, capture_output=True).returncode:
            return None
        try:
            filler, folder = mount / "filler", mount / "ledger"
            filler.write_bytes(b"x" * 20_000)
            with child(appending(folder, "filling", 10**9, SIZES[:2], SEED + n)) as (pid, reads):
                said = acknowledged(reads)
                assert ended(pid) == 3, "the writer did not say that the disk is full"
            filler.unlink()
            row.check(folder, said)
        finally:
            subprocess.run(["umount", str(mount)], check=True)
    return row


def read_only(base: Path, tries: int) -> Row | None:
    """A folder, or the file alone, may only be read; none where this process can become nobody else."""
    if os.geteuid() != 0:
        return None
    row = Row("folder or file read-only")
    for n in range(tries):
        folder = base / f"read-only-{n}"
        said = {append(folder, f"before {k}", SIZES[k % 2]) for k in range(5)}
        before = (folder / f"{CHAIN}.jsonl").read_bytes()
        (folder / f"{CHAIN}.jsonl").chmod(0o444)
        (folder / f".{CHAIN}.lock").chmod(0o666)
        folder.chmod(0o555 if n % 2 else 0o777)

        def work(writes: int, folder: Path = folder) -> None:
            os.setuid(NOBODY)
            appending(folder, "refused", 1, SIZES[:1], SEED)(writes)

        with child(work) as (pid, reads):
            more = acknowledged(reads)
            assert (ended(pid), more) == (3, set()), "the writer did not say that it may not write"
        assert (folder / f"{CHAIN}.jsonl").read_bytes() == before
        folder.chmod(0o755)
        row.check(folder, said)
    return row


def main() -> int:
    """Print a table in Markdown and write it; 1 if a line was lost or a chain is bad."""
    ask = argparse.ArgumentParser(prog="python -m benchmarks.ledger_faults", description=__doc__)
    ask.add_argument("--kills", type=int, default=500)
    ask.add_argument("--small", action="store_true", help="20 kills and few tries of the rest")
    ask.add_argument("--out", type=Path, default=Path("results/ledger-faults.csv"))
    told = ask.parse_args()
    kill, rest = (20, 2) if told.small else (told.kills, 20)
    inputs = {"code": code_sha256(), "benchmark": files_sha256([Path(__file__)])}
    base = Path(tempfile.mkdtemp(prefix="ledger-faults-"))
    base.chmod(0o755)  # for nobody to look in
    try:
        tried = [
            at_once(base, rest),
            kills(base, kill - kill // 2, False),
            kills(base, kill // 2, True),
            limited(base, rest),
            full(base, rest),
            read_only(base, rest),
        ]
    finally:
        shutil.rmtree(base, ignore_errors=True)
    rows = [row for row in tried if row]
    names = [field.name for field in fields(Row)]
    print(f"| {' | '.join(name.replace('_', ' ') for name in names)} |\n|{'---|' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in asdict(row).values())} |")
    with told.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    made_from = {
        "inputs": inputs,
        "settings": {"seed": SEED, "kills": kill, "tries": rest, "sizes": [*SIZES, LONG], "longest_wait": LONGEST_WAIT},
        "machine": f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}",
        "not_tried": [name for name, row in zip(("tmpfs", "read-only"), tried[4:], strict=True) if row is None],
        "good": all(row.good for row in rows),
    }
    told.out.with_suffix(".json").write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")
    return 0 if made_from["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
