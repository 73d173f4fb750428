"""Show that a sample of any size streams to disk in the same memory.

    python benchmarks/synthesis_scale.py --captures 5000 --output /tmp/sample

writes a tenth of the captures and then all of them, each in a process of its own, through the node and the
dataset that `kedro run --pipelines synthesis` uses, and prints captures per second and peak resident memory.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import yaml

from selfsame.datasets import CapturesDataset
from selfsame.pipelines.synthesis.nodes import synthesise_captures
from selfsame.pipelines.synthesis.params import SynthesisParameters

PARAMETERS = Path(__file__).parents[1] / "conf/base/parameters_synthesis.yml"
SEED = 20260101


def main() -> None:
    arguments = read_arguments()
    if arguments.once:
        measure(arguments.captures, arguments.output)
        return
    for captures in (arguments.captures // 10, arguments.captures):
        command = [sys.executable, __file__, "--once", "--captures", str(captures)]
        subprocess.run([*command, "--output", str(arguments.output)], check=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=int, required=True, help="about how many captures to make")
    parser.add_argument("--output", type=Path, required=True, help="folder to make them in")
    parser.add_argument("--once", action="store_true", help="make them once, in this process")
    return parser.parse_args()


def measure(captures: int, output: Path) -> None:
    block = yaml.safe_load(PARAMETERS.read_text())["biometrics"]["synthesis"]
    each = 2 * block["captures_per_eye"] + len(block["fingers"]) * block["captures_per_finger"]
    block |= {"subjects": max(1, captures // each)}
    block["presentations"] |= {"known_subjects": 0}
    stream = synthesise_captures(SynthesisParameters.model_validate(block), SEED)
    start_s = time.perf_counter()
    CapturesDataset(filepath=str(output / f"captures_{captures}")).save(stream)
    wall_s = time.perf_counter() - start_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = block["subjects"] * each
    print(f"{made:>8} captures  {made / wall_s:7.1f} captures/s  {wall_s:7.1f} s  peak {peak_mib:6.1f} MiB")


if __name__ == "__main__":
    main()
