"""The benchmark of design at a size at which only its workings are tested."""

from benchmarks import design


def test_a_row_per_size_says_whether_the_aim_is_met() -> None:
    assert design.seconds_of("random:agents=2,signals=2,decisions=2", 1) > 0
    assert [aim for *_, aim in design.SIZES] == [0.2, 3.0, 8.0, 30.0, 60.0]
