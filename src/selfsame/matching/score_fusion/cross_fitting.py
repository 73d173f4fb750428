"""Cross-fitting over subjects: every comparison is fused by a fit that saw neither of its two subjects.

The subjects are dealt into groups. A comparison of a subject of group i with one of group j is scored by a
fit on the comparisons among subjects of neither group (for i = j, of the other groups), so that five groups
need at most fifteen fits. Splitting comparisons instead of subjects would leak: a subject's other captures
tell much about it.
"""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.score_fusion.fitting import fit_fusion
from selfsame.matching.score_fusion.settings import FusionSettings, Rule

FEWEST_GROUPS = 3
"""A comparison can lie between two groups, and a third must be left to fit on."""


def deal_groups(subjects: NDArray[np.str_], count: int, seed: int) -> dict[str, str]:
    """Deal subjects into groups whose sizes differ by one at most, in the order of their digests.

    Args:
        subjects: names, in any order, repeated or not.
        count: of groups, at least 3.
        seed: another one deals otherwise.

    Raises:
        InputError: too few groups, or fewer subjects than leave two to fit on.
    """
    names = np.unique(subjects).tolist()
    left = len(names) - 2 * -(-len(names) // max(count, 1))
    if count < FEWEST_GROUPS or left < 2:
        raise InputError(
            f"expected {FEWEST_GROUPS} groups or more that leave two subjects to fit on when two are held "
            f"out, got {len(names)} subjects in {count} groups: use 6 subjects or more, in 3 groups or more"
        )
    ordered = sorted(names, key=lambda name: sha256(f"{seed}:{name}".encode()).digest())
    return {name: str(i % count) for i, name in enumerate(ordered)}


def cross_fit(
    rule: Rule,
    scores: NDArray[np.floating],
    mated: NDArray[np.bool_],
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
    *,
    groups: int,
    seed: int,
    settings: FusionSettings,
    qualities: NDArray[np.floating] | None = None,
) -> NDArray[np.float64]:
    """Fuse every comparison with a rule fitted on comparisons among subjects of other groups.

    Args:
        rule: the fusion rule.
        scores: (n, m) similarities, higher is more alike; NaN where a modality is missing on a side.
        mated: (n,) whether both sides are the same subject.
        probe_subjects: (n,) names.
        reference_subjects: (n,) names.
        groups: how many groups to deal the subjects into by their digests.
        seed: of the dealing.
        settings: of the fits.
        qualities: (n, m) in [0, 1], for rule quality.

    Returns:
        (n,) fused scores, higher is more alike; NaN where no modality is present.

    Raises:
        InputError: too few groups or subjects, or groups without which no mated or no non-mated comparison of
            some modality is left to fit on.
    """
    _require_one_length(scores, mated, probe_subjects, reference_subjects)
    subjects, codes = np.unique(np.concatenate([probe_subjects, reference_subjects]), return_inverse=True)
    labels = deal_groups(subjects, groups, seed)
    names, group = np.unique([labels[subject] for subject in subjects.tolist()], return_inverse=True)
    probe, reference = np.split(group[codes], 2)
    low, high = np.minimum(probe, reference), np.maximum(probe, reference)
    pairs, place = np.unique(low * len(names) + high, return_inverse=True)
    fused = np.full(len(probe), np.nan)
    for k, pair in enumerate(zip(*np.divmod(pairs, len(names)), strict=True)):
        outside = ~np.isin(low, pair) & ~np.isin(high, pair)
        kept = scores[outside], mated[outside], None if qualities is None else qualities[outside]
        try:
            fit = fit_fusion(rule, *kept, settings)
        except InputError as error:
            held_out = names[np.unique(pair)].tolist()
            raise InputError(_too_little(held_out, outside, len(subjects), error)) from error
        rows = place == k
        fused[rows] = fit.apply(scores[rows], None if qualities is None else qualities[rows])
    return fused


def _too_little(held: list[str], rows: NDArray[np.bool_], subjects: int, error: InputError) -> str:
    return (
        f"without the subjects of group {' and '.join(held)}, {np.count_nonzero(rows)} of {len(rows)} "
        f"comparisons among {subjects} subjects are left to fit on: {error}; at least two subjects with "
        "mated comparisons must be left: use more subjects, or more and smaller groups"
    )


def _require_one_length(
    scores: NDArray[np.floating],
    mated: NDArray[np.bool_],
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
) -> None:
    if not len(scores) == len(mated) == len(probe_subjects) == len(reference_subjects):
        raise InputError(
            f"expected a flag and two subjects for each row of scores, got {len(scores)} rows, {len(mated)} "
            f"flags, {len(probe_subjects)} probe and {len(reference_subjects)} reference subjects"
        )
