import pytest

from metalearn.report.markup import escaped, shortened, visible


@pytest.mark.parametrize("hostile", ["<script>", "a & b", 'x" onload="y', "it's"])
def test_markup_and_quotes_are_escaped(hostile: str) -> None:
    assert not set(escaped(hostile)) & set("<>\"'")
    assert "&" in escaped(hostile)


@pytest.mark.parametrize("unseen", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800", "\x85"])
def test_characters_that_nobody_sees_are_shown_as_replaced(unseen: str) -> None:
    assert escaped(f"a{unseen}b") == "a\N{REPLACEMENT CHARACTER}b"
    assert escaped(f"a{unseen}b").encode()


def test_text_without_markup_stays_as_it_is() -> None:
    assert escaped("Größe in m²\t日本") == "Größe in m²\t日本"


@pytest.mark.parametrize("length", [5, 12, 13])
def test_long_text_is_cut_to_the_length_and_keeps_both_ends(length: int) -> None:
    cut = shortened("abcdefghijklmnopqrstuvwxyz", length)
    assert len(cut) == length
    assert cut.startswith("ab")
    assert cut.endswith("z")
    assert shortened("short", length) == "short"


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x1b]0;title\x07", "a\rb", "\u202eabc", "\x9b31m"])
def test_nothing_steers_a_terminal(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert shown.isprintable()
    assert visible("two\tparts\nof a text") == "two\tparts\nof a text"
