"""How alike the surroundings of two minutiae are, for all pairs of one print and many others at once."""

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import RelaxationSettings
from selfsame.fingerprint.template import Templates


def compare_cylinders(
    probe: Templates, references: Templates, settings: RelaxationSettings
) -> NDArray[np.float32]:
    """Compare every cylinder of the first probe with every cylinder of each reference.

    1 - |a - b| / (|a| + |b|) over the places that are valid in both (Cappelli, Ferrara and Maltoni,
    Minutia Cylinder-Code, 2010). All norms under the masks are products of matrices: with p the squared cells
    summed over the sections and v the masks, |a|^2 = p_a v_b, |b|^2 = v_a p_b and
    |a - b|^2 = |a|^2 + |b|^2 - 2 a b.

    Returns:
        (references, minutiae of the probe, minutiae of the references) float32, 0..1; 0 where a pair is no
        candidate.
    """
    count, width = references.place.shape

    def multiply(own: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        return own @ other.reshape(count * width, -1).T

    own = multiply(probe.power[0], references.valid)
    other = multiply(probe.valid[0], references.power)
    apart = np.sqrt(np.maximum(own + other - 2 * multiply(probe.cells[0], references.cells), 0))
    np.sqrt(own, out=own)
    np.sqrt(other, out=other)
    own += other
    alike = 1 - apart / np.maximum(own, np.float32(1e-6))
    shared = multiply(probe.valid[0], references.valid) / np.float32(probe.valid.shape[2])
    turn = probe.direction[0][:, None] * references.direction.reshape(-1).conj()
    kept = (shared >= settings.least_shared_cells) & (turn.real >= np.cos(settings.most_rotation_rad))
    kept &= probe.usable[0][:, None] & references.usable.reshape(-1)
    alike *= kept
    return alike.reshape(-1, count, width).transpose(1, 0, 2)
