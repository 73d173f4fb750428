"""Measure how well and how fast prints are compared, and end with status 1 where a claim fails.

Two data sets: an FVC database (`101_1.tif`: finger, impression; real re-captures) and SOCOFing's altered
prints against their originals. The altered ones are software edits of the very same images, pixel for pixel:
figures on them are of synthetic second impressions. Times are of the processor, all threads together.

    python benchmarks/fingerprint_comparison.py --fvc data/fvc2002_db1_b --altered data/altered_easy \
        --originals data/iris_fingerprint --output fingerprint_comparison.json
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.fingerprint.comparison import compare_prints
from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.encoding import encode_prints
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey

SETTINGS = Path(__file__).parents[1] / "conf/base/parameters_comparison.yml"
MAX_PIXELS = 50_000_000
MOST_EER, LEAST_RANK_1, MOST_ENCODE_S, MOST_PAIR_S = 0.04, 0.99, 0.3, 0.005
FITTED_PX = 96
Scores = NDArray[np.float64]


def main() -> int:
    arguments = _parse()
    cv2.setNumThreads(1)
    blocks = yaml.safe_load(arguments.settings.read_text())
    result: dict[str, dict[str, float]] = {}
    if arguments.fvc:
        settings = _read_settings(blocks, "fingerprints")
        result["fvc"] = _measure_fvc(arguments.fvc, arguments.dpi, settings)
    if arguments.altered and arguments.originals:
        settings = _read_settings(blocks, "biometrics")
        result["altered_synthetic"] = _measure_altered(arguments.altered, arguments.originals, settings)
    if not result:
        raise SystemExit("expected --fvc, or --altered with --originals, got neither: name a data set")
    failed = _check(result)
    print(_tabulate(result))
    print("\n".join(f"FAILED: {claim}" for claim in failed) or "all claims hold")
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps({**result, "failed": failed}, indent=2) + "\n")
    return 1 if failed else 0


def _read_settings(blocks: dict[str, dict], workload: str) -> PrintComparison:
    found = blocks[workload]["fingerprint"]["comparison"]["comparators"]["minutiae"]
    return PrintComparison(**{name: found[name] for name in PrintComparison.model_fields})


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fvc", type=Path, help="folder of an FVC database")
    parser.add_argument("--dpi", type=float, default=500.0, help="px per inch of that database")
    parser.add_argument("--altered", type=Path, help="folder of altered prints, ..._CR.BMP and so on")
    parser.add_argument("--originals", type=Path, help="folder that holds their originals, at any depth")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="YAML as in conf/base")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args()


def _measure_fvc(folder: Path, dpi: float, settings: PrintComparison) -> dict[str, float]:
    """Compare every two prints of the database once."""
    names = [(path, re.fullmatch(r"(\d+)_(\d+)\.\w+", path.name)) for path in folder.iterdir()]
    found = sorted((int(name[1]), int(name[2]), path) for path, name in names if name)
    if not found:
        raise SystemExit(f"expected prints such as 101_1.tif in {folder}, found none")
    fingers, impressions = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    size = settings.phase.height_px, settings.phase.width_px

    def normalise(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        done = normalise_fingerprint(
            image, height=size[0], width=size[1], resolution_dpi=dpi, target_dpi=settings.resolution_dpi
        )
        return np.stack([done.image, done.mask])

    rows, refused = _load([one[2] for one in found], normalise, size)
    templates, encode_s = _time(lambda: encode_prints(rows, settings))
    scores, compare_s = _time(lambda: compare_prints(templates, templates, settings))
    first, second = np.triu_indices(len(found), 1)
    each = np.nan_to_num(scores[first, second].astype(np.float64), nan=-1.0)
    mated = fingers[first] == fingers[second]
    by_rule = ~mated & (impressions[first] == 1) & (impressions[second] == 1)
    return {
        "prints": len(found),
        "refused": refused,
        "mated": int(mated.sum()),
        "non_mated": int((~mated).sum()),
        "non_mated_first_impressions": int(by_rule.sum()),
        "eer": find_eer(each[mated], each[~mated]),
        "eer_first_impressions": find_eer(each[mated], each[by_rule]),
        "fnmr_at_fmr_1e-2": find_fnmr(each[mated], each[~mated], 1e-2),
        "fnmr_at_fmr_1e-3": find_fnmr(each[mated], each[~mated], 1e-3),
        "not_compared": int((each < 0).sum()),
        "template_bytes": templates.shape[1],
        "encode_s": encode_s / len(found),
        "pair_s": compare_s / scores.size,
    }


def _measure_altered(altered: Path, originals: Path, settings: PrintComparison) -> dict[str, float]:
    """Search every altered print among all originals."""
    known = {path.stem: path for path in sorted(originals.rglob("*.BMP")) if "finger" in path.stem}
    probes = sorted(path for path in altered.iterdir() if path.stem.rpartition("_")[0] in known)
    if not probes:
        raise SystemExit(f"expected prints such as 1__M_Left_thumb_finger_CR.BMP in {altered}, found none")
    kinds = np.array([path.stem.rpartition("_")[2] for path in probes])
    place = {name: i for i, name in enumerate(known)}
    own = np.array([place[path.stem.rpartition("_")[0]] for path in probes])

    def normalise(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        done = normalise_fingerprint(image, height=FITTED_PX, width=FITTED_PX)
        return np.stack([done.image, done.mask])

    size = (FITTED_PX, FITTED_PX)
    gallery, refused = _load(known.values(), normalise, size)
    rows, refused_probes = _load(probes, normalise, size)
    references, _ = _time(lambda: encode_prints(gallery, settings))
    templates, encode_s = _time(lambda: encode_prints(rows, settings))
    scores, compare_s = _time(lambda: compare_prints(templates, references, settings))
    each = np.nan_to_num(scores.astype(np.float64), nan=-1.0)
    mated = np.zeros(each.shape, bool)
    mated[np.arange(len(own)), own] = True
    hit = (each.argmax(axis=1) == own) & (each[mated] >= 0)
    return {
        "probes": len(own),
        "originals": len(known),
        "refused": refused + refused_probes,
        "rank_1": float(hit.mean()),
        **{f"rank_1_{kind}": float(hit[kinds == kind].mean()) for kind in sorted(set(kinds))},
        "eer": find_eer(each[mated], each[~mated]),
        "not_compared": int((each < 0).sum()),
        "template_bytes": templates.shape[1],
        "encode_s": encode_s / len(own),
        "pair_s": compare_s / scores.size,
    }


def _load(
    paths: Iterable[Path], normalise: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], int]:
    """Load and normalise prints; a refused one becomes an empty array, which no other is compared with."""
    rows, refused = [], 0
    for path in paths:
        try:
            rows.append(normalise(decode_grey(path.read_bytes(), max_pixels=MAX_PIXELS)))
        except CaptureError as error:
            print(f"refused {path.name}: {error}", file=sys.stderr)
            rows.append(np.zeros((2, *size), np.uint8))
            refused += 1
    return np.stack(rows), refused


def _time(action: Callable[[], NDArray]) -> tuple[NDArray, float]:
    start = time.process_time()
    return action(), time.process_time() - start


def find_eer(mated: Scores, non_mated: Scores) -> float:
    """Find the equal error rate: FMR and FNMR interpolated between the two thresholds where they cross."""
    steps = np.unique(np.concatenate([mated, non_mated, [np.inf]]))
    fnmr = np.searchsorted(np.sort(mated), steps, "left") / len(mated)
    fmr = 1 - np.searchsorted(np.sort(non_mated), steps, "left") / len(non_mated)
    after = int(np.argmax(fnmr >= fmr))
    gaps = fmr - fnmr
    share = gaps[after - 1] / (gaps[after - 1] - gaps[after]) if after else 0.0
    return float(fnmr[after - 1] + share * (fnmr[after] - fnmr[after - 1]) if after else fnmr[0])


def find_fnmr(mated: Scores, non_mated: Scores, fmr: float) -> float:
    """Find the FNMR at the least threshold whose FMR is at most `fmr`."""
    allowed = int(fmr * len(non_mated))
    barrier = np.sort(non_mated)[::-1][allowed]
    return float((mated <= barrier).mean())


def _check(result: dict[str, dict[str, float]]) -> list[str]:
    claims = {
        "fvc": (
            ("eer", 0.0, MOST_EER),
            ("eer_first_impressions", 0.0, MOST_EER),
            ("encode_s", 0.0, MOST_ENCODE_S),
            ("pair_s", 0.0, MOST_PAIR_S),
        ),
        "altered_synthetic": (("rank_1", LEAST_RANK_1, 1.0), ("pair_s", 0.0, MOST_PAIR_S)),
    }
    return [
        f"{part} {name}: expected {least:g} to {most:g}, got {result[part][name]:.4f}"
        for part in result
        for name, least, most in claims[part]
        if not least <= result[part][name] <= most
    ]


def _tabulate(result: dict[str, dict[str, float]]) -> str:
    lines = ["| data | figure | value |", "|---|---|---|"]
    for part, figures in result.items():
        lines += [
            f"| {part} | {name} | {value if isinstance(value, int) else f'{value:.5f}'} |"
            for name, value in figures.items()
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
