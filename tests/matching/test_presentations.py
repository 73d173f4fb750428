import numpy as np

from selfsame.matching.presentations import (
    NOTHING,
    probe_presentations,
    reference_records,
    single_presentations,
    without_repeats,
)

FINGERS = ("index", "middle", "thumb")


def test_attempt_shows_one_capture_of_each_modality(captures):
    eyes = captures([("a", "left"), ("a", "left"), ("b", "left")])
    shown = probe_presentations({"iris_left": eyes, "iris_right": captures([("a", "right"), ("b", "right")])})
    assert shown.names.tolist() == ["a/1", "a/2", "b/1"]
    assert shown.rows["iris_left"].tolist() == [0, 1, 2]
    assert shown.rows["iris_right"].tolist() == [0, NOTHING, 1]


def test_fingers_rotate_until_all_are_used(captures):
    subjects = ("a", "b", "c")
    eyes = captures([(subject, "left") for subject in subjects for _ in range(2)])
    fingers = captures([(subject, finger) for subject in subjects for finger in FINGERS])
    shown = probe_presentations({"iris_left": eyes, "fingerprint": fingers})
    used = fingers.instances[shown.rows["fingerprint"]]
    assert used.tolist() == ["index", "middle", "thumb", "index", "middle", "thumb"]
    assert (fingers.subjects[shown.rows["fingerprint"]] == shown.subjects).all()


def test_second_attempt_shows_the_second_impression_of_its_finger(captures):
    eyes = captures([("a", "left")] * 2)
    fingers = captures([("a", "index"), ("a", "index"), ("a", "thumb"), ("a", "thumb")])
    assert probe_presentations({"iris_left": eyes, "fingerprint": fingers}).rows["fingerprint"].tolist() == [
        0,
        3,
    ]


def test_subject_with_fingers_only_makes_as_many_attempts_as_its_fullest_finger(captures):
    fingers = captures([("a", "index"), ("a", "thumb"), ("a", "thumb")])
    assert len(probe_presentations({"fingerprint": fingers})) == 2


def test_single_presentations_show_every_capture(captures):
    fingers = captures([("a", finger) for finger in FINGERS])
    assert single_presentations("fingerprint", fingers).rows["fingerprint"].tolist() == [0, 1, 2]


def test_record_holds_its_capture_of_each_eye_and_the_only_print_of_each_finger(captures):
    eyes = captures([("a", "left"), ("a", "left"), ("b", "left")])
    fingers = captures([("a", "index"), ("a", "thumb"), ("b", "thumb")])
    records = reference_records({"iris_left": eyes, "fingerprint": fingers})
    assert records.names.tolist() == ["a/1", "a/2", "b/1"]
    assert records.rows["iris_left"].tolist() == [[0], [1], [2]]
    assert records.instances["fingerprint"] == ("index", "thumb")
    assert records.rows["fingerprint"].tolist() == [[0, 1], [0, 1], [NOTHING, 2]]


def test_repeats_of_a_print_are_compared_once(captures):
    eyes, fingers = captures([("a", "left")] * 2), captures([("a", "index")])
    records = without_repeats(reference_records({"iris_left": eyes, "fingerprint": fingers}))
    assert records.rows["fingerprint"].tolist() == [[0], [NOTHING]]
    assert records.rows["iris_left"].tolist() == [[0], [1]]


def test_order_of_templates_of_different_subjects_changes_nothing(captures):
    rows = [("a", "index"), ("a", "thumb"), ("b", "index"), ("b", "thumb")]
    order = [2, 0, 3, 1]
    first = probe_presentations({"fingerprint": captures(rows)}).rows["fingerprint"]
    shuffled = probe_presentations({"fingerprint": captures([rows[i] for i in order])}).rows["fingerprint"]
    np.testing.assert_array_equal(first, np.array(order)[shuffled])
