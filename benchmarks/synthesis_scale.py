"""Show that a sample of any size streams to disk in the same memory.

Claims: ten times as many captures take no more memory (1.1 times, to allow for chance), and no more than 1.2
times the processor time each.
Run: python benchmarks/synthesis_scale.py --captures 100000 --folder /tmp/sample --output synthesis_scale.json

A tenth of the captures and then all of them are written to FOLDER, each in a process of its own, through the
node and the dataset that `kedro run --pipelines synthesis` uses. Memory is the most that is resident.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rounds
from made_up import SEED, SETTINGS
from selfsame.datasets.captures import CapturesDataset
from selfsame.pipelines.synthesis.nodes import synthesise_captures
from selfsame.pipelines.synthesis.params import SynthesisParameters

LARGER, SLOWER = 1.1, 1.2


def main() -> int:
    asked = read_arguments()
    if asked.once:
        print(json.dumps(measure(asked.captures, asked.folder)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        few, many = (
            measure_apart(count, asked.folder or Path(temporary))
            for count in (asked.captures // 10, asked.captures)
        )
    memory, cost = many["peak MiB"] / few["peak MiB"], many["processor ms"] / few["processor ms"]
    claims = [
        rounds.Claim("memory of ten times as many captures, times that of fewer", memory, memory <= LARGER),
        rounds.Claim("processor time a capture, times that of fewer", cost, cost <= SLOWER),
    ]
    table = {f"{row['captures']:.0f} captures": row for row in (few, many)}
    return rounds.conclude("synthesis_scale", table, claims, asked)


def read_arguments() -> argparse.Namespace:
    parser = rounds.parser_of(__doc__, rounds=1)
    parser.add_argument("--captures", type=int, default=4000, help="about how many to make")
    parser.add_argument(
        "--folder", type=Path, help="to make them in, and keep them; a temporary one if not given"
    )
    parser.add_argument("--once", action="store_true", help="make them once, in this process")
    asked = parser.parse_args()
    if asked.short:
        asked.captures = 250
    return asked


def measure_apart(captures: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--once", "--captures", str(captures), "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(captures: int, folder: Path) -> dict[str, float]:
    block = dict(SETTINGS["biometrics"]["synthesis"])
    each = 2 * block["captures_per_eye"] + len(block["fingers"]) * block["captures_per_finger"]
    block["subjects"] = max(1, captures // each)
    block["presentations"] = block["presentations"] | {"known_subjects": 0}
    stream = synthesise_captures(SynthesisParameters.model_validate(block), SEED)
    began, busy = time.perf_counter(), rounds.processor_s()
    CapturesDataset(filepath=str(folder / f"captures_{captures}")).save(stream)
    made, wall_s = block["subjects"] * each, time.perf_counter() - began
    return {
        "captures": float(made),
        "captures/s": made / wall_s,
        "processor ms": 1000 * (rounds.processor_s() - busy) / made,
        "peak MiB": rounds.peak_mib(),
    }


if __name__ == "__main__":
    sys.exit(main())
