import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfsame.benchmarking.pace import Pace, measure_pace, processor_s


def pieces(start_s: float, each_s: float, count: int) -> Iterator[int]:
    time.sleep(start_s)
    for _ in range(count):
        time.sleep(each_s)
        yield 10


def test_start_is_stated_apart_from_the_pace() -> None:
    pace = measure_pace(pieces(0.3, 0.02, 11), warm=1, alone=True)
    assert pace.items == 100
    assert pace.start_s == pytest.approx(0.3, abs=0.05)
    assert pace.rate == pytest.approx(500, rel=0.3)


def test_time_asleep_is_no_time_of_the_processor() -> None:
    assert measure_pace(pieces(0, 0.02, 6), warm=1, alone=True).processor_ms < 1.0


def test_work_without_more_than_its_start_is_refused() -> None:
    with pytest.raises(ValueError, match="expected more than 2 pieces of work"):
        measure_pace(iter([10, 10]), warm=2, alone=True)


def test_unknown_time_of_the_processor_is_no_number() -> None:
    assert str(Pace(10, 1.0, None, 0.0).processor_ms) == "nan"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed on Linux alone")
def test_processes_that_were_started_count_and_strangers_do_not() -> None:
    script = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ntime.sleep(60)"
    before = processor_s(alone=False)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        child.stdout.read(1)
        used = processor_s(alone=False) - before
        mine = processor_s(alone=True)
    finally:
        child.kill()
        child.wait()
    assert 0.4 < used < 1.5
    assert mine < before + used
    assert processor_s(alone=False) >= before + used  # the time of those that have ended is not lost
