"""Compare iris codes: what a search costs, if packed scores are right, how well irises are told apart.

    python benchmarks/iris_comparison.py --captures ROOT [--sensitivity] [--output iris_comparison.json]
    python benchmarks/iris_comparison.py --short

Claims: packed scores are those of the definition, to 1e-5; a search of 100,000 codes needs at most 4 MiB
beside them; a single iris has an EER of at most 1.5 %, both irises together of at most 0.3 %. Status 1 where
one does not hold.

Cost and check use random codes. With captures, folders as PERSON/left and PERSON/right below the root, the
error rates follow: every pair of captures of left eyes and every pair of right eyes, each eye alone; the mean
of both eyes, the i-th left with the i-th right; and the closed set with the first capture as the only
reference. A capture that cannot be unwrapped, and a pair without enough bits in common, is never accepted.
`--sensitivity` repeats the error rates with each setting a quarter lower and higher. One thread; seconds of
the processor. The short form compares made-up irises, which says nothing about real ones.
"""

import argparse
import sys
import tracemalloc
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from error_rates import find_eer, find_fnmr
from made_up import make_eyes
from rounds import Claim, Row, conclude, cost_of, parser_of, run_rounds
from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.iris.codes import IrisCodeSettings, compare_iris_codes, encode_iris_codes
from selfsame.iris.normalisation import normalise_iris

Scores = NDArray[np.floating]
Figures = dict[str, float]
ONE_EYE, BOTH_EYES = "one eye", "both eyes"
File = tuple[str, bool, str, bytes]
"""Whose, whether it is a right eye, its name, its bytes."""

CONFIGURED = yaml.safe_load((Path(__file__).parents[1] / "conf/base/parameters_comparison.yml").read_text())
COMPARATORS = CONFIGURED["biometrics"]["iris_left"]["comparison"]["comparators"]
SETTINGS = IrisCodeSettings.model_validate(
    {name: COMPARATORS["iris_code"][name] for name in IrisCodeSettings.model_fields}
)
HEIGHT, WIDTH = 48, 256
MAX_PIXELS = 50_000_000
MOST_DIFFERENCE, MOST_SEARCH_MIB, MOST_EER, MOST_EER_OF_BOTH = 1e-5, 4.0, 1.5, 0.3
ROTATIONS_8_DEG = 8 * 360 / SETTINGS.directions


def main() -> int:
    asked = parse_arguments()
    cv2.setNumThreads(1)
    table, claims = measure_search(asked.rounds, *((10_000, 150) if asked.short else (100_000, 450)))
    checked = check_scores()
    table["packed scores"] = checked
    most = checked["largest_difference"]
    claims.append(
        Claim(
            f"difference to the definition (at most {MOST_DIFFERENCE:g})",
            most,
            most <= MOST_DIFFERENCE,
            exact=True,
        )
    )
    files = read_made_up() if asked.short else read_files(asked.captures) if asked.captures else []
    if files:
        rows, people, right = normalise_all(files)
        found = measure_recognition(rows, people, right, SETTINGS)
        table |= found
        claims += list(judge(found))
        for name, settings in vary(SETTINGS).items() if asked.sensitivity else ():
            varied = measure_recognition(rows, people, right, settings)
            table |= {f"{name}: {what}": row for what, row in varied.items()}
    return conclude("iris_comparison", table, claims, asked)


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--captures", type=Path, help="folder with the irises")
    parser.add_argument("--sensitivity", action="store_true", help="move every setting by a quarter")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds = 1
    return asked


def judge(found: dict[str, Figures]) -> Iterable[Claim]:
    """Compare error rates, in per cent, with the claims."""
    for name, most in ((ONE_EYE, MOST_EER), (BOTH_EYES, MOST_EER_OF_BOTH)):
        if name in found:
            rate = found[name]["EER, %"]
            yield Claim(f"EER of {name}, % (at most {most:g})", rate, rate <= most)


def draw_codes(count: int, seed: int) -> NDArray[np.uint64]:
    """Return random codes of which about 60 % counts, as of real irises."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 64, (5, count, SETTINGS.words), dtype=np.uint64)
    counting = words[0] & words[1] | words[2] & words[3]
    return np.ascontiguousarray(np.stack([words[4] & counting, counting], axis=1))


def measure_search(rounds: int, most: int, some: int) -> tuple[dict[str, Row], list[Claim]]:
    """Time searches over growing galleries, all pairs of some, and encoding; measure the memory they need."""
    eight = SETTINGS.model_copy(update={"max_rotation_deg": ROTATIONS_8_DEG})
    gallery, probe = draw_codes(most, 0), draw_codes(1, 1)
    few = gallery[:some]
    strips = np.random.default_rng(2).integers(0, 256, (some, 2, HEIGHT, WIDTH)).astype(np.uint8)
    designs = {
        f"one with {count:,}, 8 rotations either way": partial(
            compare_iris_codes, probe, gallery[:count], eight
        )
        for count in (most // 4, most // 2, most)
    }
    memory_mib = {name: measure_memory_mib(design) for name, design in designs.items()}
    designs |= {
        f"{some} with {some}, 8 rotations either way": partial(compare_iris_codes, few, few, eight),
        f"{some} with {some}, 45 degrees either way": partial(compare_iris_codes, few, few, SETTINGS),
        f"encoding {some}": partial(encode_iris_codes, strips, SETTINGS),
    }
    found = run_rounds(designs, rounds)
    table: dict[str, Row] = {
        name: {
            "processor s": cost_of(found, name, "processor_s"),
            "MiB beside the codes": memory_mib.get(name, ""),
        }
        for name in designs
    }
    peak = max(memory_mib.values())
    text = f"MiB of a search of {most:,} beside its codes (at most {MOST_SEARCH_MIB:g})"
    return table, [Claim(text, peak, peak <= MOST_SEARCH_MIB)]


def measure_memory_mib(work: partial[Scores]) -> float:
    """Measure the memory that a call takes at most beside its arguments."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


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


def read_files(root: Path) -> list[File]:
    """Read the irises below a folder."""
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() == ".bmp" and path.parent.name.lower() in {"left", "right"}
    )
    if not paths:
        raise SystemExit(f"expected .bmp images in folders named left or right below {root}, found none")
    return [
        (path.parent.parent.name, path.parent.name.lower() == "right", path.name, path.read_bytes())
        for path in paths
    ]


def read_made_up() -> list[File]:
    """Make irises up."""
    return [
        (one.subject, one.instance == "iris_right", f"{one.instance}{one.number}", one.content)
        for one in make_eyes(8, 3)
    ]


def normalise_all(files: list[File]) -> tuple[NDArray[np.uint8], NDArray[np.str_], NDArray[np.bool_]]:
    """Return the strips and masks, whose they are, and which are right eyes; a failed one is empty."""
    rows = np.zeros((len(files), 2, HEIGHT, WIDTH), np.uint8)
    for row, (person, _, name, content) in zip(rows, files, strict=True):
        try:
            found = normalise_iris(decode_grey(content, max_pixels=MAX_PIXELS), height=HEIGHT, width=WIDTH)
        except CaptureError as error:
            print(f"left out: {person} {name} {error.reason}", file=sys.stderr)
            continue
        row[0], row[1] = found.image, found.mask
    return rows, np.array([one[0] for one in files]), np.array([one[1] for one in files])


def measure_recognition(
    rows: NDArray[np.uint8], people: NDArray[np.str_], right: NDArray[np.bool_], settings: IrisCodeSettings
) -> dict[str, Figures]:
    """Return the error rates, in per cent, of each eye alone and of the mean of both."""
    codes = encode_iris_codes(rows, settings)
    eyes = [(codes[of_eye], people[of_eye]) for of_eye in (~right, right)]
    scores = [compare_iris_codes(one, one, settings) for one, _ in eyes]
    pairs = [split_pairs(score, who) for score, (_, who) in zip(scores, eyes, strict=True)]
    mated, non_mated = (np.concatenate(kind) for kind in zip(*pairs, strict=True))
    ranks = [first_ranks(score, who) for score, (_, who) in zip(scores, eyes, strict=True)]
    found = {ONE_EYE: error_rates(mated, non_mated, np.concatenate(ranks))}
    if np.array_equal(eyes[0][1], eyes[1][1]):
        both, who = 0.5 * scores[0] + 0.5 * scores[1], eyes[0][1]
        found[BOTH_EYES] = error_rates(*split_pairs(both, who), first_ranks(both, who))
    return found


def split_pairs(scores: Scores, people: NDArray[np.str_]) -> tuple[Scores, Scores]:
    """Return the mated and the non-mated scores of all unordered pairs; no score is the lowest of all."""
    first, second = np.triu_indices(len(people), 1)
    pair = np.nan_to_num(scores[first, second], nan=-1.0)
    same = people[first] == people[second]
    return pair[same], pair[~same]


def error_rates(mated: Scores, non_mated: Scores, first: NDArray[np.bool_]) -> Figures:
    """Return counts, and interpolated EER, FNMR at two FMRs and rank-1 in per cent."""
    return {
        "mated": len(mated),
        "non-mated": len(non_mated),
        "EER, %": 100 * find_eer(mated, non_mated),
        "FNMR at 0.1 %": 100 * find_fnmr(mated, non_mated, 1e-3),
        "at 0.01 %": 100 * find_fnmr(mated, non_mated, 1e-4),
        "rank-1, %": 100 * float(first.mean()),
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


if __name__ == "__main__":
    sys.exit(main())
