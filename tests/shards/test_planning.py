"""Which captures share a shard, and what decides a shard's name."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.shards.planning import MAX_SHARDS, PlannedImpression, digest_settings, plan_shards


def make_impressions(count, start=0):
    return [
        PlannedImpression(f"{i:024x}", f"subject/{i}", f"{i}.png", "", 0) for i in range(start, start + count)
    ]


def plan(impressions, rows_per_shard=16, settings="s"):
    return plan_shards(impressions, rows_per_shard=rows_per_shard, settings=settings)


def names(shards):
    return {shard.name for shard in shards}


@given(count=st.integers(0, 300), rows_per_shard=st.integers(1, 70))
def test_every_impression_is_in_exactly_one_shard(count, rows_per_shard):
    shards = plan(make_impressions(count), rows_per_shard)
    found = Counter(one for shard in shards for one in shard.impressions)
    assert found == Counter(make_impressions(count))


def test_shards_hold_about_the_rows_that_are_asked_for():
    sizes = [len(shard.impressions) for shard in plan(make_impressions(1000), 64)]
    assert len(sizes) == 16
    assert min(sizes) > 30  # 62.5 expected, standard deviation 7.7
    assert max(sizes) < 95


def test_the_number_of_shards_is_bounded():
    assert len(plan(make_impressions(60_000), 1)) == MAX_SHARDS


def test_no_captures_make_one_empty_shard():
    (shard,) = plan([])
    assert shard.impressions == ()


@pytest.mark.parametrize("change", ["added", "removed", "replaced"])
def test_a_capture_that_comes_goes_or_changes_touches_one_shard(change):
    before = make_impressions(900)
    after = {
        "added": [*before, *make_impressions(1, start=900)],
        "removed": before[:450] + before[451:],
        "replaced": [
            *before[:450],
            replace(before[450], capture_id="f" * 24),
            *before[451:],
        ],
    }[change]
    assert len(names(plan(after)) - names(plan(before))) == 1


def test_a_moved_file_touches_nothing():
    before = make_impressions(50)
    after = [PlannedImpression(one.capture_id, one.identity, f"moved/{one.path}", "", 0) for one in before]
    assert names(plan(after)) == names(plan(before))


def test_other_settings_touch_every_shard():
    before = make_impressions(50)
    assert not names(plan(before, settings="a")) & names(plan(before, settings="b"))


def test_impressions_of_a_capture_share_a_shard():
    both = [PlannedImpression(f"{i:024x}", f"s/{i}", "", "", k) for i in range(40) for k in (0, 1)]
    for shard in plan(both):
        assert Counter(one.impression for one in shard.impressions).keys() == {0, 1}


def test_settings_code_and_seed_decide_the_digest():
    code = ["selfsame.imaging.resizing"]
    digests = {
        digest_settings({"height": 1}, code, None),
        digest_settings({"height": 2}, code, None),
        digest_settings({"height": 1}, code, 1),
        digest_settings({"height": 1}, code, 2),
        digest_settings({"height": 1}, ["selfsame.imaging"], None),
    }
    assert len(digests) == 5
    assert digest_settings({"height": 1}, code, 1) in digests


def test_code_that_cannot_be_found_is_refused():
    with pytest.raises(ModuleNotFoundError, match=r"source of selfsame\.nothing"):
        digest_settings({}, ["selfsame.nothing"], None)
