"""Compare iris codes: what a search costs, if packed scores are right, how well irises are told apart.

python benchmarks/iris_comparison.py [--captures ROOT] [--sensitivity] [--output figures.json]

Cost and check use random codes. With captures, folders as PERSON/left and PERSON/right below the root, the
error rates follow: every pair of captures of left eyes and every pair of right eyes, each eye alone; the mean
of both eyes, the i-th left with the i-th right; and the closed set with the first capture as the only
reference. A capture that cannot be unwrapped, and a pair without enough bits in common, is never accepted.
`--sensitivity` repeats the error rates with each setting a quarter lower and higher. One thread; CPU seconds.
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.iris.codes import IrisCodeSettings, compare_iris_codes, encode_iris_codes
from selfsame.iris.normalisation import normalise_iris

Scores = NDArray[np.floating]
Figures = dict[str, float]

# Those of conf/base/parameters_evaluation.yml.
CONFIGURED = yaml.safe_load((Path(__file__).parents[1] / "conf/base/parameters_comparison.yml").read_text())
COMPARATORS = CONFIGURED["biometrics"]["iris_left"]["comparison"]["comparators"]
SETTINGS = IrisCodeSettings.model_validate(
    {name: COMPARATORS["iris_code"][name] for name in IrisCodeSettings.model_fields}
)
HEIGHT, WIDTH = 48, 256
MAX_PIXELS = 50_000_000
ROTATIONS_8_DEG = 8 * 360 / SETTINGS.directions


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    figures = {"search": measure_search(), "check": check_scores()}
    if arguments.captures:
        rows, people, right = normalise_all(arguments.captures)
        figures["recognition"] = measure_recognition(rows, people, right, SETTINGS)
        if arguments.sensitivity:
            for name, settings in vary(SETTINGS).items():
                figures[name] = measure_recognition(rows, people, right, settings)
    report(figures)
    if arguments.output:
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=Path, help="folder with the irises")
    parser.add_argument("--sensitivity", action="store_true", help="move every setting by a quarter")
    parser.add_argument("--output", type=Path, help="where to write the figures as JSON")
    return parser.parse_args()


def draw_codes(count: int, seed: int) -> NDArray[np.uint64]:
    """Return random codes of which about 60 % counts, as of real irises."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 64, (5, count, SETTINGS.words), dtype=np.uint64)
    counting = words[0] & words[1] | words[2] & words[3]
    return np.ascontiguousarray(np.stack([words[4] & counting, counting], axis=1))


def measure_search() -> Figures:
    """Return seconds and MiB of a search over growing galleries and of all pairs of 450."""
    eight = SETTINGS.model_copy(update={"max_rotation_deg": ROTATIONS_8_DEG})
    gallery, probe = draw_codes(100_000, 0), draw_codes(1, 1)
    figures = {"template_kib": probe.nbytes / 1024}
    for count in (25_000, 50_000, 100_000):
        figures[f"one_to_{count}_s"] = cpu_s(partial(compare_iris_codes, probe, gallery[:count], eight))
        tracemalloc.start()
        compare_iris_codes(probe, gallery[:count], eight)
        figures[f"one_to_{count}_extra_mib"] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    some = gallery[:450]
    figures["450_by_450_8_rotations_s"] = cpu_s(partial(compare_iris_codes, some, some, eight))
    figures["450_by_450_45_degrees_s"] = cpu_s(partial(compare_iris_codes, some, some, SETTINGS))
    strips = np.random.default_rng(2).integers(0, 256, (450, 2, HEIGHT, WIDTH)).astype(np.uint8)
    figures["encode_450_s"] = cpu_s(partial(encode_iris_codes, strips, SETTINGS))
    return figures


def cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the second of two calls."""
    work()
    started = time.process_time()
    work()
    return time.process_time() - started


def check_scores() -> Figures:
    """Compare packed scores with a plain Hamming distance of unpacked bits."""
    probes, references = draw_codes(8, 3), draw_codes(40, 4)
    packed = compare_iris_codes(probes, references, SETTINGS)
    plain = plain_scores(unpack(probes), unpack(references), SETTINGS)
    return {"pairs": float(packed.size), "largest_difference": float(np.abs(packed - plain).max())}


def unpack(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return (n, 2, directions, bits of a direction)."""
    bits = np.unpackbits(codes.view(np.uint8), axis=2).astype(bool)
    return bits.reshape(len(codes), 2, SETTINGS.directions, -1)


def plain_scores(
    probes: NDArray[np.bool_], references: NDArray[np.bool_], settings: IrisCodeSettings
) -> NDArray[np.float64]:
    """Return the scores by the definition, pair by pair and rotation by rotation."""
    scores = np.full((len(probes), len(references)), -np.inf)
    usual = settings.usual_share * settings.bits
    for i, probe in enumerate(probes):
        for turn in range(-settings.max_rotation, settings.max_rotation + 1):
            bits, counting = np.roll(probe, turn, axis=1)
            for j, reference in enumerate(references):
                common = counting & reference[1]
                n = int(common.sum())
                if n >= settings.min_share * settings.bits:
                    distance = float((bits ^ reference[0])[common].mean())
                    scores[i, j] = max(scores[i, j], 0.5 + (0.5 - distance) * np.sqrt(n / usual))
    return scores


def normalise_all(root: Path) -> tuple[NDArray[np.uint8], NDArray[np.str_], NDArray[np.bool_]]:
    """Return the strips and masks, whose they are, and which are right eyes; a failed one is empty."""
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() == ".bmp" and path.parent.name.lower() in {"left", "right"}
    )
    if not paths:
        raise SystemExit(f"expected .bmp images in folders named left or right below {root}, found none")
    rows = np.zeros((len(paths), 2, HEIGHT, WIDTH), np.uint8)
    for row, path in zip(rows, paths, strict=True):
        try:
            image = decode_grey(path.read_bytes(), max_pixels=MAX_PIXELS)
            found = normalise_iris(image, height=HEIGHT, width=WIDTH)
        except CaptureError as error:
            print(f"left out: {path.name} {error.reason}")
            continue
        row[0], row[1] = found.image, found.mask
    people = np.array([path.parent.parent.name for path in paths])
    return rows, people, np.array([path.parent.name.lower() == "right" for path in paths])


def measure_recognition(
    rows: NDArray[np.uint8], people: NDArray[np.str_], right: NDArray[np.bool_], settings: IrisCodeSettings
) -> Figures:
    """Return the error rates in per cent."""
    codes = encode_iris_codes(rows, settings)
    eyes = [(codes[of_eye], people[of_eye]) for of_eye in (~right, right)]
    scores = [compare_iris_codes(one, one, settings) for one, _ in eyes]
    pairs = [split_pairs(score, who) for score, (_, who) in zip(scores, eyes, strict=True)]
    mated, non_mated = (np.concatenate(kind) for kind in zip(*pairs, strict=True))
    figures = error_rates("eye", mated, non_mated)
    ranks = [first_ranks(score, who) for score, (_, who) in zip(scores, eyes, strict=True)]
    figures["eye_rank_1"] = 100 * float(np.concatenate(ranks).mean())
    if np.array_equal(eyes[0][1], eyes[1][1]):
        both, who = 0.5 * scores[0] + 0.5 * scores[1], eyes[0][1]
        figures |= error_rates("both", *split_pairs(both, who))
        figures["both_rank_1"] = 100 * float(first_ranks(both, who).mean())
    return figures


def split_pairs(scores: Scores, people: NDArray[np.str_]) -> tuple[Scores, Scores]:
    """Return the mated and the non-mated scores of all unordered pairs; no score is the lowest of all."""
    first, second = np.triu_indices(len(people), 1)
    pair = np.nan_to_num(scores[first, second], nan=-1.0)
    same = people[first] == people[second]
    return pair[same], pair[~same]


def error_rates(name: str, mated: Scores, non_mated: Scores) -> Figures:
    """Return counts, interpolated EER and FNMR at FMR of 1e-3 and 1e-4, in per cent."""
    thresholds = np.unique(np.concatenate([mated, non_mated]))
    fnmr = np.searchsorted(np.sort(mated), thresholds, side="left") / len(mated)
    fmr = 1 - np.searchsorted(np.sort(non_mated), thresholds, side="left") / len(non_mated)
    after = max(int(np.argmax(fnmr >= fmr)), 1)
    gap = fmr - fnmr
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return {
        f"{name}_mated": float(len(mated)),
        f"{name}_non_mated": float(len(non_mated)),
        f"{name}_eer": 100 * float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1])),
        f"{name}_fnmr_at_1e-3": 100 * float(fnmr[np.argmax(fmr <= 1e-3)]),
        f"{name}_fnmr_at_1e-4": 100 * float(fnmr[np.argmax(fmr <= 1e-4)]),
    }


def first_ranks(scores: Scores, people: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return for each probe if the first capture of its own person is the most alike of all first ones."""
    references = np.unique(people, return_index=True)[1]
    probes = np.setdiff1d(np.arange(len(people)), references)
    against = np.nan_to_num(scores[np.ix_(probes, references)], nan=-1.0)
    return people[references][against.argmax(axis=1)] == people[probes]


def vary(settings: IrisCodeSettings) -> dict[str, IrisCodeSettings]:
    """Return the settings with each number a quarter lower and higher (whole numbers rounded)."""
    varied = {}
    for name, value in settings.model_dump().items():
        for factor in (0.75, 1.25):
            moved = (
                tuple(one * factor for one in value)
                if isinstance(value, tuple)
                else type(value)(value * factor)
            )
            varied[f"{name} x {factor}"] = IrisCodeSettings(**{**settings.model_dump(), name: moved})
    return varied


def report(figures: dict[str, Figures]) -> None:
    """Print the figures as one table; those of recognition one row a setting, in per cent."""
    for group in ("search", "check"):
        for name, value in figures[group].items():
            print(f"{group:<12}{name:<28}{value:>12.5g}")
    names = [name for name in figures.get("recognition", {}) if "mated" not in name]
    print(
        "".join([f"{'per cent':<24}", *(f"{name.replace('_', ' '):>18}" for name in names)]) if names else ""
    )
    for group, values in figures.items():
        if group not in {"search", "check"}:
            print("".join([f"{group:<24}", *(f"{values[name]:>18.2f}" for name in names)]))


if __name__ == "__main__":
    main()
