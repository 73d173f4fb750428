import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

from selfsame.errors import InputError
from selfsame.pipelines.data_engineering.params import Layouts, Pattern
from selfsame.sources.layouts import Layout, PathPattern, Place, choose_layout

PROJECT = Path(__file__).parents[2]
FIELDS = {"subject": "{s}", "modality": "face", "instance": "face"}


def shipped() -> dict[str, Layout]:
    settings = OmegaConf.to_container(OmegaConf.load(PROJECT / "conf" / "base" / "parameters_sources.yml"))
    return {
        name: Layout(name, [Pattern.model_validate(dict(pattern)).to_domain() for pattern in patterns])
        for name, patterns in settings["layouts"].items()
    }


LAYOUTS = shipped()


@pytest.mark.parametrize(
    "root", ["", "IRIS and FINGERPRINT DATASET/", "archive/IRIS and FINGERPRINT DATASET/"]
)
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("1/left/aeval1.bmp", Place("1", "iris_left", "left", 1)),
        ("12/left/lec_1.bmp", Place("12", "iris_left", "left", 1)),
        ("45/Right/zulaikahr5.BMP", Place("45", "iris_right", "right", 5)),
        (
            "1/Fingerprint/1__M_Left_index_finger.BMP",
            Place("1", "fingerprint", "left_index", 1, "male", "left", "index"),
        ),
        (
            "30/FINGERPRINT/30__F_Right_thumb_finger.bmp",
            Place("30", "fingerprint", "right_thumb", 1, "female", "right", "thumb"),
        ),
    ],
)
def test_kaggle_paths_are_read_from_any_root(root: str, path: str, place: Place) -> None:
    assert LAYOUTS["kaggle"].read(root + path) == place


@pytest.mark.parametrize("root", ["", "DB1_B/", "some set/deeper/"])
@pytest.mark.parametrize(
    ("layout", "path", "place"),
    [
        ("fvc", "101_1.tif", Place("101", "fingerprint", "finger", 1)),
        ("fvc", "110_8.TIF", Place("110", "fingerprint", "finger", 8)),
        ("fvc", "9_12.bmp", Place("9", "fingerprint", "finger", 12)),
        ("casia", "001/1/001_1_1.jpg", Place("001", "iris", "eye", session="1")),
        ("casia", "108/2/108_2_4.bmp", Place("108", "iris", "eye", session="2")),
        ("casia", "S1001L01.jpg", Place("1001", "iris_left", "left", 1)),
        ("casia", "001/R/S1001R10.jpg", Place("1001", "iris_right", "right", 10)),
        ("casia", "000/L/S5000L00.jpg", Place("5000", "iris_left", "left")),
        ("mmu", "12/left/name1.bmp", Place("12", "iris_left", "left", 1)),
        ("mmu", "3/Right/ab2c10.BMP", Place("3", "iris_right", "right", 10)),
        ("att", "s1/1.pgm", Place("s1", "face", "face", 1)),
        ("att", "s40/10.png", Place("s40", "face", "face", 10)),
    ],
)
def test_paths_of_known_sets_are_read_from_any_root(layout: str, root: str, path: str, place: Place) -> None:
    assert LAYOUTS[layout].read(root + path) == place
    assert choose_layout(list(LAYOUTS.values()), "auto", [root + path]).name == layout


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("fvc", "a101_1.tif"),
        ("fvc", "101.tif"),
        ("fvc", "001/1/001_1_1.jpg"),
        ("casia", "001/1/002_1_1.jpg"),  # the folder is one eye's, the name another's
        ("casia", "001/1/001_2_1.jpg"),
        ("casia", "S1001X01.jpg"),
        ("mmu", "12/left/name.bmp"),
        ("att", "s1/README"),
        ("att", "t1/1.pgm"),
        ("att", "s0001/iris_left/1.png"),
    ],
)
def test_other_paths_are_not_read(layout: str, path: str) -> None:
    assert LAYOUTS[layout].read(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "1/left/desktop.ini",
        "1/desktop.ini",
        "left/1.bmp",
        "3/Fingerprint/4__M_Left_index_finger.BMP",  # the folder is one person's, the name another's
        "1/middle/1.bmp",
    ],
)
def test_other_paths_are_not_kaggles(path: str) -> None:
    assert LAYOUTS["kaggle"].read(path) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("s0001/iris_left/1.png", Place("s0001", "iris_left", "left", 1)),
        ("s1/IRIS_RIGHT/eye_07.PNG", Place("s1", "iris_right", "right", 7)),
        ("s1/iris/left/2024-01-03_2.tif", Place("s1", "iris_left", "left", 2)),
        ("s1/iris_left/portrait.png", Place("s1", "iris_left", "left")),
        ("s1/iris_left/0.png", Place("s1", "iris_left", "left")),
        ("s1/iris_left/2_F.png", Place("s1", "iris_left", "left", 2, "female")),
        ("a/b/s1/iris_left/20240103120000.png", Place("s1", "iris_left", "left")),
        (
            "s1/fingerprint/right_index_1.png",
            Place("s1", "fingerprint", "right_index", 1, None, "right", "index"),
        ),
        (
            "s1/fingerprint/Left_Thumb_3_M.png",
            Place("s1", "fingerprint", "left_thumb", 3, "male", "left", "thumb"),
        ),
        (
            "s1/fingerprints/right ring.png",
            Place("s1", "fingerprint", "right_ring", None, None, "right", "ring"),
        ),
        (
            "s1/fingerprint/right_index/4.png",
            Place("s1", "fingerprint", "right_index", 4, None, "right", "index"),
        ),
    ],
)
def test_plain_paths_are_read(path: str, place: Place) -> None:
    assert LAYOUTS["plain"].read(path) == place


def test_a_plain_print_has_to_name_its_finger() -> None:
    assert LAYOUTS["plain"].read("s1/fingerprint/1.png") is None


@given(st.text(max_size=40))
def test_any_path_is_read_or_refused_and_never_fails(path: str) -> None:
    for layout in LAYOUTS.values():
        place = layout.read(path)
        assert place is None or place.subject


def test_the_first_matching_pattern_wins() -> None:
    general = PathPattern("(?P<s>.)/.*", FIELDS, {})
    special = PathPattern("(?P<s>.)/x", {**FIELDS, "device": "x"}, {})
    assert Layout("l", [special, general]).read("1/x") == Place("1", "face", "face", device="x")
    assert Layout("l", [general, special]).read("1/x") == Place("1", "face", "face")


def test_values_replace_texts_and_leave_others() -> None:
    pattern = PathPattern("(?P<s>.)(?P<x>.)", {**FIELDS, "sex": "{x}"}, {"sex": {"m": "male"}})
    assert [Layout("l", [pattern]).read(path) for path in ("1M", "1d")] == [
        Place("1", "face", "face", sex="male"),
        Place("1", "face", "face", sex="d"),
    ]


def test_names_that_people_chose_keep_their_letters() -> None:
    pattern = PathPattern("(?P<s>[^/]+)/(?P<d>.+)", {**FIELDS, "device": "{d}"}, {})
    assert Layout("l", [pattern]).read("Ana/MyCam") == Place("Ana", "face", "face", device="MyCam")


def test_auto_takes_the_layout_that_reads_most_paths(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    kaggle = ["1/left/a1.bmp", "1/Fingerprint/1__M_Left_index_finger.BMP", "1/desktop.ini"]
    plain = ["s1/iris_left/1.png", "s1/fingerprint/right_index_1.png", "desktop.ini"]
    layouts = list(LAYOUTS.values())
    assert choose_layout(layouts, "auto", kaggle).name == "kaggle"
    assert choose_layout(layouts, "auto", plain).name == "plain"
    assert "kaggle reads 2 of 3 paths" in caplog.text


def test_paths_that_no_layout_reads_are_told_without_a_choice(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    choose_layout(list(LAYOUTS.values()), "auto", ["a.pdf", "b.pdf"])
    assert [record.getMessage() for record in caplog.records] == [
        "layout: no layout reads any of the 2 paths, such as a.pdf (docs/layouts.md)"
    ]


def test_equals_that_read_alike_are_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_layout(list(LAYOUTS.values()), "auto", ["1/left/a1.bmp"]).name == "mmu"
    assert choose_layout(list(LAYOUTS.values()), "auto", ["README"]).name == "mmu"
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_equals_that_read_otherwise_are_told(caplog: pytest.LogCaptureFixture) -> None:
    paths = ["s1/1.pgm", "101_1.tif"]
    assert choose_layout(list(LAYOUTS.values()), "auto", paths).name == "fvc"
    assert "att reads as many paths, and s1/1.pgm otherwise than fvc" in caplog.text
    assert "--params=layout=att" in caplog.text


def test_a_layout_is_chosen_by_name() -> None:
    assert choose_layout(list(LAYOUTS.values()), "plain", ["1/left/a1.bmp"]).name == "plain"


def test_an_unknown_layout_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="one of auto, mmu, kaggle, plain, fvc, casia, att, got 'kagle'"):
        choose_layout(list(LAYOUTS.values()), "kagle", [])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (PathPattern("(?P<s>[", FIELDS, {}), "expected a regular expression in layout 'mine'"),
        (
            PathPattern("(?P<t>.)", FIELDS, {}),
            r"subject of layout 'mine' to use the groups .*\(t\), got '{s}'",
        ),
        (PathPattern("(?P<s>.)", {**FIELDS, "device": "{s.upper}"}, {}), "device of layout 'mine'"),
        (PathPattern("(?P<s>.)", {**FIELDS, "device": "{s"}, {}), "device of layout 'mine'"),
        (
            PathPattern("(?P<s>.)", {"subject": "{s}"}, {}),
            "fields subject, modality, instance .* layout 'mine'",
        ),
        (PathPattern("(?P<s>.)", FIELDS, {"colour": {}}), "layout 'mine', got colour"),
    ],
)
def test_a_wrong_pattern_is_refused_by_the_name_of_its_layout(pattern: PathPattern, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Layout("mine", [pattern])


def test_a_layout_without_patterns_is_refused() -> None:
    with pytest.raises(InputError, match="'mine' to have at least one pattern"):
        Layout("mine", [])


def test_the_recipe_of_the_documentation_adds_a_layout(tmp_path: Path) -> None:
    recipe = (PROJECT / "docs" / "layouts.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", recipe, re.DOTALL)
    shutil.copytree(PROJECT / "conf" / "base", tmp_path / "base")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "parameters.yml").write_text(block)
    merge = {"parameters": "soft", "globals": "soft"}
    loader = OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="local", merge_strategy=merge)
    layouts = Layouts.model_validate(loader["parameters"]["layouts"]).compile()
    assert [layout.name for layout in layouts] == [*LAYOUTS, "clinic"]
    assert choose_layout(layouts, "auto", ["visit2/ann_L_003.png"]).name == "clinic"
    read = choose_layout(layouts, "clinic", []).read
    assert read("visit2/ann_L_003.png") == Place("ann", "iris_left", "left", 3, session="visit2")
    assert read("visit2/ann_R2_001.png") == Place(
        "ann", "fingerprint", "right_index", 1, None, "right", "index", session="visit2"
    )
