"""The tree of beams says in words what the newest stage of every beam takes."""

from autogan.report.tree import beam_tree, columns_of

BEAMS = {
    "stages": [
        [
            {"architecture": "pre-none-nearest+shortcut", "reward": 2.0},
            {"architecture": "post-batch-bilinear", "reward": 1.0},
        ]
    ],
    "ranking": [
        {"architecture": "pre-none-nearest+shortcut/pre-batch-deconvolution+skip0", "reward": 3.0},
        {"architecture": "post-batch-bilinear/post-instance-nearest", "reward": 2.5},
    ],
}
WINNER = "pre-none-nearest+shortcut/pre-batch-deconvolution+skip0"


def test_every_card_names_the_options_of_the_newest_cell() -> None:
    tree = beam_tree(columns_of(BEAMS, 4, [WINNER], WINNER))
    for words in (
        ">pre · none · nearest<",
        ">shortcut<",
        ">post · batch · bilinear<",
        ">no shortcut, no skip<",
        ">pre · batch · deconvolution<",
        ">skip from 0 · winner<",
        ">post · instance · nearest<",
    ):
        assert words in tree, words
    assert tree.count('class="card chosen"') == 2 and tree.count('class="edge chosen"') == 1


def test_a_winner_that_this_version_cannot_read_is_no_way_through_the_tree() -> None:
    tree = beam_tree(columns_of(BEAMS, 4, [], "pre-none-cubic"))
    assert 'class="card chosen"' not in tree and tree.count('class="card"') == 4
