import numpy as np
import pytest

from lambda_core.errors import PatternError
from lambda_core.patterns.pattern import NAMES, LambdaPattern
from lambda_core.patterns.update import Update


@pytest.mark.parametrize(
    "text", ["00001", "11110", "11111/00011/00001", "00000", "00001/11111", "nnnn1", "n0n10/0000n"]
)
def test_text_survives_a_round_trip(text):
    assert str(LambdaPattern.parse(text, 5)) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("11111/00001/00001", "11111/00001"), ("00001/00001", "00001"), ("maml", "11111"), ("ANIL", "00001"),
     ("boil", "11110"), ("none", "00000"), (" 00011 ", "00011"), ("full", "11111"), ("head", "00001"),
     ("norm", "nnnn1"), ("last1", "00001"), ("Last3", "00111"), ("last5", "11111"), ("NNNN1/nnnn1", "nnnn1")],
)  # fmt: skip
def test_canonical_text_is_the_shortest(text, canonical):
    pattern = LambdaPattern.parse(text, 5)
    assert str(pattern) == canonical
    assert pattern == LambdaPattern.parse(canonical, 5)
    assert hash(pattern) == hash(LambdaPattern.parse(canonical, 5))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("0001", "4 digits for 5 layers"), ("0000x", "'x' is neither 0, 1 nor n"), ("", "0 digits"),
     ("11111//00001", "row 2"), ("mamml", "neither 0, 1 nor n"), ("00001/", "row 2"), ("１1111", "neither")],
)  # fmt: skip
def test_a_wrong_text_says_what_is_wrong_and_shows_a_right_one(text, complaint):
    with pytest.raises(PatternError, match=complaint) as error:
        LambdaPattern.parse(text, 5)
    assert "00001" in str(error.value)


@pytest.mark.parametrize("text", ["last0", "last6"])
def test_more_last_layers_than_there_are_is_told(text):
    with pytest.raises(PatternError, match="write last1 to last5"):
        LambdaPattern.parse(text, 5)


def test_the_last_row_repeats():
    matrix = LambdaPattern.parse("11111/00011/00001", 5).matrix(4)
    assert matrix.dtype == bool
    assert matrix.astype(int).tolist() == [[1] * 5, [0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]


def test_a_matrix_is_cut_after_the_steps():
    assert LambdaPattern.parse("11111/00001", 5).matrix(1).tolist() == [[True] * 5]
    assert LambdaPattern.parse("11111/00001", 5).matrix(0).shape == (0, 5)
    assert str(LambdaPattern.parse("11111/00001", 5).first(1)) == "11111"


@pytest.mark.parametrize("layers", [1, 3, 5])
def test_enumeration_holds_every_pattern_once(layers):
    patterns = LambdaPattern.enumerate(layers)
    assert len(set(patterns)) == 2**layers
    assert not patterns[0].updates_anything
    assert patterns[-1].is_full


@pytest.mark.parametrize("name", NAMES)
def test_names_name_their_pattern(name):
    assert LambdaPattern.named(name, 5).name == name


def test_a_matrix_says_where_and_the_rows_say_what():
    pattern = LambdaPattern.parse("n01", 3)
    assert pattern.matrix(2).tolist() == [[True, False, True]] * 2
    assert pattern.rows_for(1) == [(Update.SCALES, Update.NOTHING, Update.ALL)]
    assert LambdaPattern.from_matrix(pattern.rows) == pattern
    assert (pattern.is_finer, pattern.is_full) == (True, False)


def test_what_changes_all_that_either_changes():
    nothing, everything, scales = Update
    assert Update.widest([nothing, scales]) == scales
    assert Update.widest([scales, everything]) == everything
    assert Update.widest([]) == nothing


def test_matrix_and_text_agree():
    pattern = LambdaPattern.parse("10101/00001", 5)
    assert LambdaPattern.from_matrix(pattern.matrix(7).tolist()) == pattern


@pytest.mark.parametrize("rows", [(), ((),), ((True,), (True, False)), ((3,),)])
def test_what_is_no_matrix_is_refused(rows):
    with pytest.raises(PatternError):
        LambdaPattern(rows)


def test_negative_steps_are_refused():
    with pytest.raises(PatternError, match="0 or more"):
        LambdaPattern.parse("1", 1).matrix(-1)


def test_rows_are_plain_tuples_of_bool():
    rows = LambdaPattern.parse("10", 2).rows_for(2)
    assert rows == [(True, False)] * 2
    assert not isinstance(rows[0][0], np.bool_)
