"""How prints are encoded and compared: the tunable numbers, in physical units."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A block of settings: frozen, and nothing in it that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RidgeSettings(Settings):
    """How ridges are measured and enhanced."""

    orientations: int  # filters over half a turn
    periods_px: tuple[float, ...]  # px at 500 dpi: the centres of the band-pass filters
    radial_ratio: float  # width of the bands: deviation of ln(frequency) is -ln(ratio)
    angular_sigma_rad: float  # rad: deviation of the filters' angle
    smoothing_px: float  # px at 500 dpi: deviation of the window that orientation and period are measured in
    passes: int  # times that the print is enhanced, each from the result of the one before


class MinutiaeSettings(Settings):
    """Which points of the ridges are taken for minutiae."""

    most: int  # minutiae kept in a template, the best ones
    border_px: float  # px at 500 dpi: nearer to the end of the print, ridges end because the print does
    opposite_px: float  # px at 500 dpi: two minutiae as near as that and facing each other are a broken ridge
    opposite_rad: float  # rad: directions differ at least by that where two minutiae face each other
    least_quality: float  # 0..1


class CylinderSettings(Settings):
    """The local structure of a minutia (Cappelli, Ferrara and Maltoni, Minutia Cylinder-Code, 2010)."""

    radius_px: float  # px at 500 dpi
    cells: int  # cells along the diameter
    sections: int  # cells along the height: over a full turn of the difference of directions
    sigma_px: float  # px at 500 dpi: deviation of a neighbour's place
    sigma_rad: float  # rad: deviation of a neighbour's direction
    sigmoid_centre: float  # contribution that fills a cell by half
    sigmoid_slope: float  # slope of the fill
    hull_px: float  # px at 500 dpi: cells farther outside the convex hull of the minutiae are not valid
    least_valid_share: float  # share of the cells of a cylinder that are valid
    least_neighbours: int  # minutiae that contribute to a cylinder


class RelaxationSettings(Settings):
    """How candidate pairs of minutiae support one another (the same paper, section 4.2, LSA-R)."""

    candidates: int  # pairs of minutiae kept for each comparison, the most alike
    least_shared_cells: float  # share of the places that are valid in both cylinders of a pair
    most_rotation_rad: float  # rad: pairs whose directions differ by more are no candidates
    rounds: int  # times that the support is passed on
    own_weight: float  # 0..1: weight of a pair's own similarity against the others' support in a round
    distance_px: float  # px at 500 dpi: difference of distances where the support is halved
    distance_slope: float  # per px
    angle_rad: float  # rad: difference of angles where the support is halved
    angle_slope: float  # per rad
    least_pairs: int  # pairs that a score is the mean of: of prints with few minutiae
    most_pairs: int  # pairs that a score is the mean of: of prints with many
    pairs_centre: float  # minutiae of the poorer print at which it is midway
    pairs_slope: float  # per minutia


class PairingSettings(Settings):
    """Which minutiae meet once one print is laid on the other."""

    distance_px: float  # px at 500 dpi: farther apart, two minutiae are no pair
    angle_rad: float  # rad: directions that differ by more are no pair
    lever_px: float  # px at 500 dpi: a pair's directions weigh for the rotation like places so far apart
    doubted_minutiae: float  # added to the minutiae that might have met: few that meet prove little


class PhaseSettings(Settings):
    """How the ridges of two prints are compared once one is laid on the other."""

    height_px: int  # px at 500 dpi: the area around the middle of the array that is kept, a multiple of 32
    width_px: int  # px at 500 dpi: likewise
    exponent: float  # power of the agreement of the ridges in the score


class PrintComparison(Settings):
    """How prints are encoded and compared by their minutiae."""

    resolution_dpi: float  # px per inch of the arrays
    ridges: RidgeSettings
    minutiae: MinutiaeSettings
    cylinders: CylinderSettings
    relaxation: RelaxationSettings
    pairing: PairingSettings
    phase: PhaseSettings
