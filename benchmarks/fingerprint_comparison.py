"""Measure how well and how fast prints are compared, and end with status 1 where a claim fails.

Two data sets: an FVC database (`101_1.tif`: finger, impression; real re-captures) and SOCOFing's altered
prints against their originals. The altered ones are software edits of the very same images, pixel for pixel:
figures on them are of synthetic second impressions. Times are of the processor, all threads together.

    python benchmarks/fingerprint_comparison.py --fvc data/fvc2002_db1_b --altered data/altered_easy \
        --originals data/iris_fingerprint --output fingerprint_comparison.json
    python benchmarks/fingerprint_comparison.py --short

Claims: on the FVC prints an EER of at most 4 %, with all pairs as with first impressions as non-mated ones;
altered prints find their original first in at least 99 %; encoding a print takes at most 0.3 s, comparing a
pair at most 5 ms. The short form compares made-up prints, which says nothing about real ones.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from error_rates import find_eer, find_fnmr
from made_up import make_prints
from rounds import Claim, conclude, parser_of
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
Print = tuple[int, int, str, bytes]
"""Finger, impression, name, bytes."""


def main() -> int:
    asked = _parse()
    cv2.setNumThreads(1)
    blocks = yaml.safe_load(asked.settings.read_text())
    result: dict[str, dict[str, float]] = {}
    if asked.short:
        made = [(int(one.subject[1:]), one.number, one.subject, one.content) for one in make_prints(6, 3)]
        result["made_up"] = _measure_all_pairs(made, asked.dpi, _read_settings(blocks, "fingerprints"))
    elif asked.fvc:
        prints = _list_fvc(asked.fvc)
        result["fvc"] = _measure_all_pairs(prints, asked.dpi, _read_settings(blocks, "fingerprints"))
    if asked.altered and asked.originals and not asked.short:
        settings = _read_settings(blocks, "biometrics")
        result["altered_synthetic"] = _measure_altered(asked.altered, asked.originals, settings)
    if not result:
        raise SystemExit("expected --fvc, --altered with --originals, or --short, got none: name a data set")
    claims = list(_judge(result))
    figures = dict.fromkeys(name for found in result.values() for name in found)
    table = {name: {part: found[name] for part, found in result.items() if name in found} for name in figures}
    return conclude("fingerprint_comparison", table, claims, asked)


def _read_settings(blocks: dict[str, dict], workload: str) -> PrintComparison:
    found = blocks[workload]["fingerprint"]["comparison"]["comparators"]["minutiae"]
    return PrintComparison(**{name: found[name] for name in PrintComparison.model_fields})


def _parse() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--fvc", type=Path, help="folder of an FVC database")
    parser.add_argument("--dpi", type=float, default=500.0, help="px per inch of that database")
    parser.add_argument("--altered", type=Path, help="folder of altered prints, ..._CR.BMP and so on")
    parser.add_argument("--originals", type=Path, help="folder that holds their originals, at any depth")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="YAML as in conf/base")
    return parser.parse_args()


def _list_fvc(folder: Path) -> list[Print]:
    names = [(path, re.fullmatch(r"(\d+)_(\d+)\.\w+", path.name)) for path in folder.iterdir()]
    found = [(int(name[1]), int(name[2]), path.name, path.read_bytes()) for path, name in names if name]
    if not found:
        raise SystemExit(f"expected prints such as 101_1.tif in {folder}, found none")
    return sorted(found)


def _measure_all_pairs(found: list[Print], dpi: float, settings: PrintComparison) -> dict[str, float]:
    """Compare every two prints of a set once."""
    fingers, impressions = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    size = settings.phase.height_px, settings.phase.width_px

    def normalise(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        done = normalise_fingerprint(
            image, height=size[0], width=size[1], resolution_dpi=dpi, target_dpi=settings.resolution_dpi
        )
        return np.stack([done.image, done.mask])

    rows, refused = _load([one[2:] for one in found], normalise, size)
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
    gallery, refused = _load(_read(known.values()), normalise, size)
    rows, refused_probes = _load(_read(probes), normalise, size)
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


def _read(paths: Iterable[Path]) -> Iterable[tuple[str, bytes]]:
    return ((path.name, path.read_bytes()) for path in paths)


def _load(
    prints: Iterable[tuple[str, bytes]],
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    size: tuple[int, int],
) -> tuple[NDArray[np.uint8], int]:
    """Load and normalise prints; a refused one becomes an empty array, which no other is compared with."""
    rows, refused = [], 0
    for name, content in prints:
        try:
            rows.append(normalise(decode_grey(content, max_pixels=MAX_PIXELS)))
        except CaptureError as error:
            print(f"refused {name}: {error}", file=sys.stderr)
            rows.append(np.zeros((2, *size), np.uint8))
            refused += 1
    return np.stack(rows), refused


def _time(action: Callable[[], NDArray]) -> tuple[NDArray, float]:
    start = time.process_time()
    return action(), time.process_time() - start


def _judge(result: dict[str, dict[str, float]]) -> Iterable[Claim]:
    """Compare what was found with the claims about each data set."""
    of_pairs = (
        ("eer", 0.0, MOST_EER),
        ("eer_first_impressions", 0.0, MOST_EER),
        ("encode_s", 0.0, MOST_ENCODE_S),
        ("pair_s", 0.0, MOST_PAIR_S),
    )
    altered = (("rank_1", LEAST_RANK_1, 1.0), ("pair_s", 0.0, MOST_PAIR_S))
    bounds = {"fvc": of_pairs, "made_up": of_pairs, "altered_synthetic": altered}
    for part, found in result.items():
        for name, least, most in bounds[part]:
            text = f"{part} {name} ({least:g} to {most:g})"
            yield Claim(text, found[name], least <= found[name] <= most)


if __name__ == "__main__":
    sys.exit(main())
