"""Maps from signals to messages: words, images, and all lies of a small set."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.maps import WORDS, MessageMap, lies
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space

# Maps

four = Finite(("w", "x", "y", "z"))


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("flip", [3, 2, 1, 0], "w→z, x→y, y→x, z→w"),
        ("up", [1, 2, 3, 3], "w→x, x→y, y→z"),
        ("down", [0, 0, 1, 2], "x→w, y→x, z→y"),
        ("low", [0, 0, 0, 0], "always w"),
        ("high", [3, 3, 3, 3], "always z"),
        ("w/x/y/z", [0, 1, 2, 3], ""),
        ("w/x/z/y", [0, 1, 3, 2], "y→z, z→y"),
        ("0/1/2/0", [0, 1, 2, 0], "z→w"),
        ("x/x/x/x", [1, 1, 1, 1], "always x"),
    ],
)
def test_maps_do_what_their_words_say(text: str, image: list[int], words: str) -> None:
    lie = MessageMap(text)
    assert lie.image(four).tolist() == image
    assert lie(np.array([3, 0, 0]), four).tolist() == [image[3], image[0], image[0]]
    assert lie.words(four) == words


def test_labels_come_before_numbers() -> None:
    assert MessageMap("1/0").image(Finite(("1", "0"))).tolist() == [0, 1]


@pytest.mark.parametrize(("text", "image"), [("flip", [1.0, 0.75, 0.0]), ("low", [-1] * 3), ("high", [1] * 3)])
def test_maps_on_an_interval(text: str, image: list[float]) -> None:
    assert MessageMap(text)(np.array([-1.0, -0.75, 0.0]), Interval(-1, 1)).tolist() == image
    assert MessageMap(text).words(Interval(-1, 1)) == text


@pytest.mark.parametrize(
    ("text", "space", "message"),
    [
        ("up", Interval(0, 1), "map 'up' is for finite message sets; on an interval use flip, low or high"),
        ("sideways", four, "map: 'sideways' is none of flip, up, down, low, high, nor a list of 4 images"),
        ("w/x", four, "map 'w/x' has 2 images for 4 messages 0..3: 'w', 'x', 'y', 'z'"),
        ("w/x/y/q", four, "map 'w/x/y/q': 'q' is none of 0..3: 'w', 'x', 'y', 'z'"),
        ("0/1/2/4", four, "map '0/1/2/4': '4' is none of 0..3: 'w', 'x', 'y', 'z'"),
    ],
)
def test_a_map_that_does_not_fit_is_stopped(text: str, space: Space, message: str) -> None:
    with pytest.raises(PlayError) as caught:
        MessageMap(text)(np.zeros(2, np.intp), space)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a//b"])
def test_a_map_with_a_hole_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        MessageMap(text)
    assert str(caught.value) == f"map: {text!r} is neither one of {', '.join(WORDS)} nor images such as 1/0"


@given(size=st.integers(1, 6), limit=st.sampled_from([0, 8, 30]))
def test_lies_are_all_the_maps_or_each_word_once_and_never_the_truth(size: int, limit: int) -> None:
    space = Finite(tuple("abcdef"[:size]))
    images = [tuple(lie.image(space).tolist()) for lie in lies(space, limit)]
    assert tuple(range(size)) not in images
    assert len(set(images)) == len(images)
    if size**size - 1 <= limit:
        assert len(images) == size**size - 1
    else:
        assert set(images) | {tuple(range(size))} == {
            tuple(MessageMap(word).image(space).tolist()) for word in WORDS
        } | {tuple(range(size))}
