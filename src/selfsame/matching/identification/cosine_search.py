"""The subjects most alike to captures of one modality by embeddings, found in a gallery of each instance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.identification.gallery import Gallery
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.matching.identification.prediction import Fuse
from selfsame.matching.identification.quantisation import Sketch, quantise

LOOKED_AT = 2001
"""Cosines from -1 to 1 at which a fusion is looked at: the rules have one or two bends at most, or steps."""

FIRST_ROWS = 4
"""Times as many rows are found at first as subjects are asked for: a subject may own several."""

MORE_ROWS = 8
"""Times as many rows are found where the first were not enough."""


def rises(fuse: Fuse) -> bool:
    """Tell whether a fusion of one modality keeps the order of its scores.

    One that makes many of them equal would have a search go through the whole gallery for every probe.
    """
    fused = fuse(np.linspace(-1, 1, LOOKED_AT)[:, None]).astype(np.float32)
    return bool(np.all(np.diff(fused) > 0))


@dataclass(frozen=True)
class CosineSearch:
    """Presentations of one modality against everyone who enrolled the same instance of it.

    Attributes:
        galleries: for each instance the enrolled embeddings; the names of its rows are the subjects.
        probes: (n, d) float32 embeddings.
        rows: (captures,) the embedding of each new capture, -1 where it has none.
        instances: (captures,) of the new captures.
        fuse: makes of the cosines, (n, 1), the scores that thresholds are for; it rises.
        workers: threads that share the rows of a gallery among them.
    """

    galleries: Mapping[str, Gallery]
    probes: NDArray[np.float32]
    rows: NDArray[np.int64]
    instances: NDArray[np.str_]
    fuse: Fuse
    workers: int

    @classmethod
    def of(
        cls,
        probes: NDArray[np.float32],
        *,
        rows: NDArray[np.int64],
        instances: NDArray[np.str_],
        enrolled: NDArray[np.float32],
        owners: pd.DataFrame,
        fuse: Fuse,
        settings: GallerySettings,
    ) -> "CosineSearch":
        """Make a gallery of each instance of (n, d) enrolled unit vectors; `owners` has subject and instance.

        Raises:
            InputError: an embedding is no unit vector.
        """
        names = owners["subject_id"].to_numpy(dtype=str)
        galleries = {
            str(instance): _enrol(enrolled[places], names[places], settings)
            for instance, places in owners.reset_index(drop=True).groupby("instance").indices.items()
        }
        return cls(galleries, probes, rows, instances, fuse, settings.workers)

    def nearest(self, shown: NDArray[np.int64], count: int) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Find the subjects of the highest fused scores, equal ones in the order of their names.

        See `Nearest`. In galleries of float32 what is found is what comparing with everybody finds, to the
        last bit of a cosine: more rows are asked for until those left out can only score lower than the last
        subject that is named.
        """
        names = np.full((len(shown), count), "", dtype=object)
        scores = np.full((len(shown), count), np.nan, dtype=np.float32)
        for instance, gallery in self.galleries.items():
            left = np.flatnonzero((self.instances[shown] == instance) & (self.rows[shown] >= 0))
            asked = FIRST_ROWS * count
            while len(left):
                open_ = []
                found, cosines = gallery.search(self.probes[self.rows[shown[left]]], asked, self.workers)
                fused = self._fuse(cosines)
                for place, owners, highest in zip(left, gallery.names[found], fused, strict=True):
                    best, at = _list_subjects(owners, highest, count)
                    names[place, : len(best)], scores[place, : len(best)] = best, at
                    if found.shape[1] < len(gallery.names) and (len(best) < count or at[-1] <= highest[-1]):
                        open_.append(place)
                left, asked = np.array(open_, dtype=np.int64), asked * MORE_ROWS
        return names.astype(str), scores

    def _fuse(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        clipped = np.clip(cosines, np.float32(-1), np.float32(1))
        return self.fuse(clipped.reshape(-1, 1)).reshape(cosines.shape).astype(np.float32)


def _enrol(vectors: NDArray[np.float32], names: NDArray[np.str_], settings: GallerySettings) -> Gallery:
    rows, scale = quantise(vectors, settings.stored_as)
    return Gallery(rows, names, scale, Sketch.of(rows) if settings.sketch else None)


def _list_subjects(
    owners: NDArray[np.str_], scores: NDArray[np.float32], count: int
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """List the best subjects of (k,) rows, whose scores do not rise: at most `count`, and their scores."""
    subjects, first = np.unique(owners, return_index=True)
    order = np.argsort(-scores[first], kind="stable")[:count]
    return subjects[order], scores[first[order]]
