"""A summary of what a source held and what was made of it."""

import hashlib

import pandas as pd

from selfsame.sources.tables import KEY, iterate_rows

Summary = dict[str, object]


def summarise(manifest: pd.DataFrame, rejected: pd.DataFrame) -> Summary:
    """Count files, subjects, captures and reasons; keys are sorted, values are plain JSON."""
    return {
        "files": len(manifest) + len(rejected),
        "accepted": len(manifest),
        "rejected": len(rejected),
        "subjects": int(manifest["subject_id"].nunique()),
        "protocol": str(manifest["protocol"].iloc[0]),
        "modalities": _count(manifest["modality"]),
        "instances": _count(manifest["modality"] + "." + manifest["instance"]),
        "splits": _count(manifest["split"]),
        "roles": _count(manifest["role"]),
        "subjects_by_split": _unique(manifest, "split"),
        "reasons": _count(rejected["reason"]),
        "manifest_digest": digest_manifest(manifest),
    }


def digest_manifest(manifest: pd.DataFrame) -> str:
    """Digest which captures there are, whose and for what: the sha256 of these columns, row by row."""
    digest, separator = hashlib.sha256(), ""
    for row in iterate_rows(manifest, [*KEY, "sha256", "role", "split"]):
        digest.update((separator + "\0".join(map(str, row))).encode())
        separator = "\n"
    return digest.hexdigest()


def _count(values: "pd.Series[str]") -> dict[str, int]:
    return {str(name): int(number) for name, number in values.value_counts().sort_index().items()}


def _unique(manifest: pd.DataFrame, by: str) -> dict[str, int]:
    return {str(name): int(group["subject_id"].nunique()) for name, group in manifest.groupby(by)}
