"""Iris codes: the phase of the iris's texture in bits, and how two of them are compared.

Daugman, "High confidence visual recognition of persons by a test of statistical independence", 1993, in the
form of Masek, "Recognition of human iris patterns for biometric identification", 2003: each ring of the strip
is filtered by log-Gabor wavelets along the angle, and of each response only its quadrant is kept. A second
row of bits tells which of them count: what was seen, and not the weakest responses, whose bits flip by chance
(Hollingsworth, Bowyer and Flynn, "The best bits in an iris code", 2009).
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfsame.errors import MismatchError
from selfsame.iris.hamming import compare_codes
from selfsame.iris.phase import average_cells, log_gabor_responses
from selfsame.parameters import Settings

Codes = NDArray[np.uint64]

# Strips that are encoded at once: some MB of responses.
ROWS_AT_ONCE = 128


class IrisCodeSettings(Settings):
    """How iris codes are made and compared. Angles go round the iris: a strip is 360 degrees wide."""

    rings: Annotated[int, Field(ge=1)]  # rings of equal width between pupil and limbus
    directions: Annotated[
        int, Field(ge=8, multiple_of=8)
    ]  # places on each ring; also the steps of a rotation
    wavelengths_deg: Annotated[tuple[Annotated[float, Field(gt=0, lt=360)], ...], Field(min_length=1)]
    bandwidth: Annotated[
        float, Field(gt=0, lt=1)
    ]  # sigma over centre frequency of the log-Gabor: less is wider
    min_seen: Annotated[
        float, Field(gt=0, le=1)
    ]  # share of a place that must be in sight for its bits to count
    fragile_share: Annotated[float, Field(ge=0, lt=1)]  # share of the bits in sight, the weakest, left out
    max_rotation_deg: Annotated[float, Field(ge=0, lt=180)]  # tilt of the head searched to either side
    usual_share: Annotated[
        float, Field(gt=0, le=1)
    ]  # share of all bits that two codes usually have in common
    min_share: Annotated[
        float, Field(gt=0, lt=1)
    ]  # share of all bits in common under which there is no score

    @property
    def bits(self) -> int:
        """Return how many bits a code has, padding not counted."""
        return self.directions * self.rings * 2 * len(self.wavelengths_deg)

    @property
    def direction_bytes(self) -> int:
        """Return in how many bytes the bits of one direction are packed."""
        return -(-self.rings * 2 * len(self.wavelengths_deg) // 8)

    @property
    def words(self) -> int:
        """Return how many 64-bit words a code has."""
        return self.directions * self.direction_bytes // 8

    @property
    def max_rotation(self) -> int:
        """Return how many directions are searched to either side."""
        return round(self.max_rotation_deg * self.directions / 360)


def encode_iris_codes(rows: NDArray[np.uint8], settings: IrisCodeSettings) -> Codes:
    """Make one code of each normalised iris.

    Args:
        rows: (n, 2, h, w) uint8: strip and mask (over 127: iris is seen) as `normalise_iris` makes them.
        settings: of the code.

    Returns:
        (n, 2, words) uint64, C-contiguous: the bits and which of them count. The bits of a direction lie
        together in whole bytes, so that a rotation of the eye is a rotation of bytes.

    Raises:
        ValueError: rows of another shape or type.
    """
    if rows.ndim != 4 or rows.shape[1] != 2 or rows.dtype != np.uint8:
        raise ValueError(
            f"expected (n, 2, height, width) uint8 strips and masks, got {rows.shape} {rows.dtype}"
        )
    codes = np.zeros((len(rows), 2, settings.words), np.uint64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        bits, counts = phase_bits(rows[block], settings)
        codes[block, 0], codes[block, 1] = _pack(bits & counts), _pack(counts)
    return codes


def phase_bits(
    rows: NDArray[np.uint8], settings: IrisCodeSettings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the bits before they are packed.

    Args:
        rows: (n, 2, h, w) uint8.
        settings: of the code.

    Returns:
        Twice (n, directions, wavelengths, 2, rings) bool: the signs of the real and the imaginary parts, and
        which of them count.
    """
    seen = rows[:, 1] > 127
    cells, seen_share = average_cells(rows[:, 0], seen, settings.rings, settings.directions)
    in_sight = (seen_share >= settings.min_seen).transpose(0, 2, 1)
    bits, counts = [], []
    for wavelength_deg in settings.wavelengths_deg:
        response = log_gabor_responses(cells, wavelength_deg / 360, settings.bandwidth, settings.directions)
        parts = np.stack([response.real, response.imag], axis=1).transpose(0, 3, 1, 2)
        bits.append(parts > 0)
        counts.append(_sturdy(np.abs(parts), in_sight[:, :, None], settings.fragile_share))
    return np.stack(bits, axis=2), np.stack(counts, axis=2)


def compare_iris_codes(probes: Codes, references: Codes, settings: IrisCodeSettings) -> NDArray[np.float32]:
    """Compare every probe with every reference, over all rotations searched.

    The score is 1 - HDnorm, where HDnorm = 0.5 - (0.5 - HD) sqrt(n / N) (Daugman, "New methods in iris
    recognition", 2007), HD is the share of the n bits in common that differ, and N is their usual number:
    agreement on few bits tells less. The rotation that agrees best counts.

    Args:
        probes: (p, 2, words) uint64.
        references: (r, 2, words) uint64.
        settings: those that the codes were made with.

    Returns:
        (p, r) float32, higher is more alike: about 0.5 for two unrelated bits, little over it for the best
        rotation of two irises, 1 for an iris and itself with the usual number of bits. NaN where no rotation
        leaves enough bits in common.

    Raises:
        MismatchError: codes of another size than the settings make.
    """
    for name, codes in (("probes", probes), ("references", references)):
        if codes.dtype != np.uint64 or codes.ndim != 3 or codes.shape[1:] != (2, settings.words):
            raise MismatchError(
                f"expected {name} of (n, 2, {settings.words}) uint64 as these settings make them, got"
                f" {codes.shape} {codes.dtype}: encode the captures anew"
            )
    return compare_codes(
        probes,
        references,
        rotations=np.arange(-settings.max_rotation, settings.max_rotation + 1) * settings.direction_bytes,
        usual_bits=settings.usual_share * settings.bits,
        min_bits=max(settings.min_share * settings.bits, 1.0),
    )


def _sturdy(
    strength: NDArray[np.float32], in_sight: NDArray[np.bool_], fragile_share: float
) -> NDArray[np.bool_]:
    """Return which bits in sight count: all but the weakest share of each template."""
    in_sight = np.broadcast_to(in_sight, strength.shape)
    ranked = np.sort(np.where(in_sight, strength, np.inf).reshape(len(strength), -1), axis=1)
    first = (in_sight.reshape(len(strength), -1).sum(axis=1) * fragile_share).astype(np.intp)
    threshold = ranked[np.arange(len(strength)), first]
    return in_sight & (strength >= threshold[:, None, None, None]) & (strength > 0)


def _pack(bits: NDArray[np.bool_]) -> Codes:
    """Pack (n, directions, ...) bits into words, each direction in whole bytes."""
    packed = np.packbits(bits.reshape(*bits.shape[:2], -1), axis=2)
    return packed.reshape(len(bits), -1).view(np.uint64)
