import re
import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

from selfsame.errors import CaptureError
from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.imaging.decoding import decode_grey
from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
from selfsame.sources.synthetic.instances import EYES, FINGER_KEYS, Instance, finger
from selfsame.sources.synthetic.sample import (
    Population,
    draw_generator,
    name_file,
    stream_captures,
    stream_presentations,
)

INDEX, THUMB = finger("right_index"), finger("left_thumb")

POPULATION = Population(
    EyeModel(
        height_px=48,
        width_px=64,
        limbus_share=0.22,
        limbus_spread=0.06,
        dilation_low=0.3,
        dilation_high=0.52,
        tilt_deg=3.0,
        gaze_share=0.06,
        placement_share=0.03,
        opening_low=0.75,
        opening_high=1.05,
        texture_levels=13.0,
        lashes=20,
        highlights=1.0,
        blur_px=0.5,
        noise_levels=2.5,
        exposure_spread=0.08,
    ),
    FingerprintModel(
        height_px=40,
        width_px=36,
        ridge_period_px=8.0,
        ridge_period_spread=0.06,
        arch_share=0.07,
        whorl_share=0.28,
        growth_steps=3,
    ),
    DistortionModel(
        translation_share=0.04,
        rotation_deg=6.0,
        elastic_share=0.012,
        elastic_reach_share=0.25,
        pressure=0.35,
        scratches=1.0,
        dry_share=0.06,
        crop_share=0.12,
        noise_share=0.08,
    ),
)


def stream(
    seed: int = 7, subjects: int = 2, captures: int = 2, instances: tuple[Instance, ...] = (*EYES, INDEX)
) -> Iterator[tuple[str, bytes]]:
    numbers = dict.fromkeys(instances, range(1, captures + 1))
    return stream_captures(seed, POPULATION, subjects=range(1, subjects + 1), captures=numbers)


def show(subjects: list[int], fingers: tuple[Instance, ...] = (INDEX, THUMB)) -> dict[str, bytes]:
    return dict(stream_presentations(7, POPULATION, subjects=subjects, numbers=range(3, 5), fingers=fingers))


def test_same_seed_gives_the_same_bytes() -> None:
    assert list(stream()) == list(stream())


def test_another_seed_gives_other_bytes_everywhere() -> None:
    first, second = dict(stream(seed=7)), dict(stream(seed=8))
    assert first.keys() == second.keys()
    assert all(first[path] != second[path] for path in first)


def test_no_two_captures_are_the_same() -> None:
    contents = [content for _, content in stream()]
    assert len(set(contents)) == len(contents) == 12


@pytest.mark.parametrize("more", [{"subjects": 3}, {"captures": 3}, {"instances": (THUMB, *EYES, INDEX)}])
def test_more_subjects_captures_or_fingers_change_no_earlier_byte(more: dict[str, int]) -> None:
    fewer, enlarged = dict(stream()), dict(stream(**more))
    assert len(enlarged) > len(fewer)
    assert {path: enlarged[path] for path in fewer} == fewer


def test_files_follow_the_plain_layout() -> None:
    pattern = r"s\d{4}/(iris_left/\d+|iris_right/\d+|fingerprint/(left|right)_(thumb|index)_\d+)\.png"
    paths = [path for path, _ in stream(instances=(*EYES, INDEX, THUMB))]
    assert all(re.fullmatch(pattern, path) for path in paths)
    assert len(set(paths)) == len(paths)


def test_first_subject_is_named_as_documented() -> None:
    assert next(stream())[0] == "s0001/iris_left/1.png"
    assert name_file(12345, INDEX, 10) == "s12345/fingerprint/right_index_10.png"


def test_files_decode_to_the_sizes_of_the_devices() -> None:
    sizes = {path.split("/")[1]: decode_grey(content, max_pixels=10_000).shape for path, content in stream()}
    assert sizes == {"iris_left": (48, 64), "iris_right": (48, 64), "fingerprint": (40, 36)}


def test_generators_of_all_captures_differ() -> None:
    everyone = [
        draw_generator(seed, subject, instance, capture).integers(2**63)
        for seed in (0, 1)
        for subject in (1, 2)
        for instance in (*EYES, INDEX, THUMB)
        for capture in (0, 1, 2)
    ]
    assert len(set(everyone)) == len(everyone)


def test_generators_do_not_change_between_versions() -> None:
    assert draw_generator(20260101, 1, EYES[0], 1).integers(2**32) == 45534303
    assert sorted(FINGER_KEYS.values()) == list(range(10, 20))


def test_presentations_show_both_eyes_and_fingers_in_turn() -> None:
    shown = show([1])
    assert list(shown)[:-1] == [
        "s0001/iris_left/3.png",
        "s0001/iris_right/3.png",
        "s0001/fingerprint/left_thumb_3.png",
        "s0001/iris_left/4.png",
        "s0001/iris_right/4.png",
        "s0001/fingerprint/right_index_4.png",
    ]


def test_presentations_are_further_captures_of_the_same_identities() -> None:
    further = dict(stream(captures=4, instances=(*EYES, INDEX, THUMB)))
    shown = show([1, 2])
    good = list(shown)[:-1]
    assert {path: shown[path] for path in good} == {path: further[path] for path in good}
    assert not set(shown) & set(dict(stream()))


def test_last_presentation_is_a_broken_file() -> None:
    path, content = list(show([2, 1]).items())[-1]
    assert path == "s0002/iris_left/5.png"
    with pytest.raises(CaptureError):
        decode_grey(content, max_pixels=10_000)


def test_presentations_without_fingers_show_the_eyes() -> None:
    assert not any("fingerprint" in path for path in show([1], fingers=()))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    endless = stream(subjects=10**9)
    assert len(list(islice(endless, 3))) == 3


def test_memory_stays_flat_along_the_stream() -> None:
    files = stream(subjects=1000, instances=EYES)
    for _ in islice(files, 40):
        pass  # libraries fill their caches
    tracemalloc.start()
    try:
        peaks, made = [], []
        for _ in range(3):
            tracemalloc.reset_peak()
            made.append(sum(len(content) for _, content in islice(files, 120)))
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert (
        peaks[2] - peaks[0] < (made[1] + made[2]) / 2
    )  # had they been kept, it would be more than their sum
