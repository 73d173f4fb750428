"""How prints are encoded and compared: the tunable numbers, in physical units.

All px are px at 500 dpi (0.0508 mm), whatever the resolution of the arrays.
"""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from selfsame.parameters import Settings, Share


class RidgeSettings(Settings):
    """How ridges are measured and enhanced."""

    orientations: PositiveInt  # filters over half a turn
    periods_px: tuple[PositiveFloat, ...]  # px: centres of the band-pass filters, ascending
    radial_ratio: float = Field(gt=0, lt=1)  # width of the bands: deviation of ln(frequency) is -ln(ratio)
    angular_sigma_rad: PositiveFloat  # rad: deviation of the filters' angle
    smoothing_px: PositiveFloat  # px: deviation of the window of orientation and period
    passes: PositiveInt  # times that the print is enhanced, each from the result of the one before


class MinutiaeSettings(Settings):
    """Which points of the ridges are taken for minutiae."""

    most: PositiveInt  # minutiae kept in a template, the best ones
    border_px: NonNegativeFloat  # px: nearer to the end of the print, ridges end because the print does
    opposite_px: NonNegativeFloat  # px: two minutiae as near and facing each other are a broken ridge
    opposite_rad: NonNegativeFloat  # rad: they face each other where directions differ by this or more
    least_quality: Share  # coherence of the ridges around a minutia


class CylinderSettings(Settings):
    """The local structure of a minutia (Cappelli, Ferrara and Maltoni, Minutia Cylinder-Code, 2010)."""

    radius_px: PositiveFloat  # px
    cells: PositiveInt  # cells along the diameter
    sections: PositiveInt  # cells along the height: over a full turn of the difference of directions
    sigma_px: PositiveFloat  # px: deviation of a neighbour's place
    sigma_rad: PositiveFloat  # rad: deviation of a neighbour's direction
    sigmoid_centre: NonNegativeFloat  # contribution that fills a cell by half
    sigmoid_slope: NonNegativeFloat  # slope of the fill
    hull_px: NonNegativeFloat  # px: cells farther outside the convex hull of the minutiae are not valid
    least_valid_share: Share  # of the cells of a cylinder
    least_neighbours: PositiveInt  # minutiae that contribute to a cylinder


class RelaxationSettings(Settings):
    """How candidate pairs of minutiae support one another (the same paper)."""

    candidates: PositiveInt  # pairs of minutiae kept for each comparison, the most alike
    least_shared_cells: Share  # of the places: those that are valid in both cylinders of a pair
    most_rotation_rad: NonNegativeFloat  # rad: pairs whose directions differ by more are no candidates
    rounds: PositiveInt  # times that the support is passed on
    own_weight: Share  # of a pair's own weight in a round; the rest is the support of the others
    distance_px: NonNegativeFloat  # px: difference of distances where the support is halved
    distance_slope: NonNegativeFloat  # per px
    angle_rad: NonNegativeFloat  # rad: difference of angles where the support is halved
    angle_slope: NonNegativeFloat  # per rad
    least_pairs: PositiveInt  # pairs that a score is the mean of, of prints with few minutiae
    most_pairs: PositiveInt  # pairs that a score is the mean of, of prints with many
    pairs_centre: NonNegativeFloat  # minutiae of the poorer print at which it is midway
    pairs_slope: NonNegativeFloat  # per minutia


class PairingSettings(Settings):
    """Which minutiae meet once one print is laid on the other."""

    distance_px: PositiveFloat  # px: farther apart, two minutiae are no pair
    angle_rad: NonNegativeFloat  # rad: directions that differ by more are no pair
    lever_px: NonNegativeFloat  # px: directions weigh for the rotation like places so far apart
    doubted_minutiae: NonNegativeFloat  # added to the minutiae that might have met: few prove little


class PhaseSettings(Settings):
    """How the ridges of two prints are compared once one is laid on the other."""

    height_px: PositiveInt  # px: part of the array that is kept, from its corner; a multiple of 32
    width_px: PositiveInt  # px: likewise
    exponent: NonNegativeFloat  # power of the agreement of the ridges in the score


class PrintComparison(Settings):
    """How prints are encoded and compared by their minutiae."""

    resolution_dpi: PositiveFloat  # px per inch of the arrays
    ridges: RidgeSettings
    minutiae: MinutiaeSettings
    cylinders: CylinderSettings
    relaxation: RelaxationSettings
    pairing: PairingSettings
    phase: PhaseSettings
