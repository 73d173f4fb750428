"""The index of a modality: which impressions there are of each capture, and what became of them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from selfsame.errors import MismatchError
from selfsame.shards.arrays import ShardRecord
from selfsame.shards.planning import PlannedImpression
from selfsame.sources.tables import INSTANCE, KEY, GrowingTable, Types, iterate_rows, select_columns

logger = logging.getLogger(__name__)

INDEX: Types = {
    "capture_id": "str",
    "impression": "int32",
    "subject_id": "str",
    "modality": "str",
    "instance": "str",
    "capture_index": "int32",
    "role": "str",
    "split": "str",
    "protocol": "str",
    "status": "str",
    "reason": "str",
    "shard": "str",
    "row": "int32",
    "measures": "str",
}
"""One row an impression; a failed one has row -1, no shard and a reason."""

OUTCOMES: Types = {
    name: INDEX[name] for name in ("capture_id", "impression", "status", "reason", "shard", "row", "measures")
}
"""What of it the records of shards say."""


def list_impressions(
    manifest: pd.DataFrame, *, modality: str, synthetic_impressions: int
) -> list[PlannedImpression]:
    """List what is to be normalised: each capture and, behind it, its synthetic impressions.

    Whether a capture is a reference does not matter, so that the arrays serve every protocol; captures that
    are only to be recognised (protocol `unenrolled`) get none.

    Args:
        manifest: one row a capture.
        modality: whose captures are listed.
        synthetic_impressions: how many each capture gets, where every instance of every subject has one
            capture only; where any has more, there are real second impressions and none is made up.
    """
    needed = ["capture_id", "path", "xxh128", "bytes", *KEY]
    rows = manifest.loc[manifest["modality"] == modality, [*needed, "protocol"]]
    several = rows.groupby(list(INSTANCE)).size() > 1
    wanted = synthetic_impressions if (rows["protocol"] != "unenrolled").any() else 0
    count = 0 if several.any() else wanted
    if wanted and several.nunique() > 1:
        logger.warning(
            "%s: %d instances have one capture and %d have more, so no synthetic impressions are made: "
            "the former have a reference or a probe, not both",
            modality,
            int((~several).sum()),
            int(several.sum()),
        )
    columns = iterate_rows(rows, needed)
    return [
        PlannedImpression(capture_id, "/".join(map(str, identity)), path, xxh128, impression, size)
        for capture_id, path, xxh128, size, *identity in columns
        for impression in range(1 + count)
    ]


def state_resolutions(
    impressions: Sequence[PlannedImpression],
    manifest: pd.DataFrame,
    *,
    modality: str,
    assumed_dpi: float,
    trust_files: bool,
) -> list[PlannedImpression]:
    """Give every impression the resolution of its capture, and log how many of them are assumed.

    Args:
        impressions: see `list_impressions`.
        manifest: of their captures.
        modality: of which they are, for the log.
        assumed_dpi: px per inch of captures whose files state none.
        trust_files: whether what files state is used.
    """
    stated = manifest.set_index("capture_id")["resolution_dpi"].dropna().to_dict() if trust_files else {}
    captures = [one for one in impressions if one.impression == 0]
    known = sum(one.capture_id in stated for one in captures)
    logger.info(
        "%s: the files of %d captures state a resolution%s, %d captures are taken as %g dpi",
        modality,
        known,
        "" if trust_files else " that is trusted",
        len(captures) - known,
        assumed_dpi,
    )
    return [
        replace(one, resolution_dpi=stated.get(one.capture_id, float(assumed_dpi))) for one in impressions
    ]


def build_index(records: Mapping[str, ShardRecord], manifest: pd.DataFrame, *, modality: str) -> pd.DataFrame:
    """Join what became of each impression to the rows of the manifest.

    Synthetic impressions are placed by `place_impressions`.

    Args:
        records: of every shard of the modality, by name.
        manifest: one row a capture, of all modalities.
        modality: whose index it is.

    Returns:
        One row an impression, in the order of the manifest, with the columns of `INDEX`.

    Raises:
        MismatchError: if the shards lack a capture of the manifest.
    """
    outcomes = _list_outcomes(records)
    rows = manifest.loc[manifest["modality"] == modality, ["capture_id", *KEY, "role", "split", "protocol"]]
    index = rows.merge(outcomes, on="capture_id", how="left")
    lacking = index["impression"].isna()
    if lacking.any():
        raise MismatchError(
            f"expected the arrays to cover the manifest, they lack {int(lacking.sum())} {modality} captures "
            f"(first {index.loc[lacking, 'capture_id'].iloc[0]}): run preprocessing"
        )
    return select_columns(place_impressions(index), INDEX)


def place_impressions(index: pd.DataFrame) -> pd.DataFrame:
    """Give the synthetic impressions of an index their role and split.

    They are probes: under subject_disjoint in the split of their capture, else in the test. Under open_set an
    unenrolled subject's single captures are probes themselves, and so are their impressions.
    """
    synthetic = index["impression"] > 0
    tested = synthetic & (index["protocol"] != "subject_disjoint")
    return index.assign(
        role=index["role"].mask(synthetic, "probe"), split=index["split"].mask(tested, "test")
    )


def _list_outcomes(records: Mapping[str, ShardRecord]) -> pd.DataFrame:
    """List the entries of all shards, those of a capture in order."""
    outcomes = GrowingTable(OUTCOMES)
    for name, record in records.items():
        for entry in record.entries:
            failed = entry.reason is not None
            outcomes.add(
                {
                    "capture_id": entry.capture_id,
                    "impression": entry.impression,
                    "status": "failed" if failed else "ok",
                    "reason": entry.reason,
                    "shard": None if failed else name,
                    "row": entry.row,
                    "measures": json.dumps(entry.measures, sort_keys=True),
                }
            )
    return outcomes.finish().sort_values(["capture_id", "impression"])
