"""The tree of beams says in words what the newest stage of every beam takes."""

from autogan.report.tree import beam_tree, columns_of
from autogan.runs.contents import Architectures, Searched
from autogan.runs.outcomes import Child
from autogan.spaces.architecture import Architecture


def child(architecture: str, stage: int, reward: float) -> Child:
    return Child(Architecture.parse(architecture), stage, 0, "beam", reward, 0.1)


BEAMS = Architectures(
    stages=[[child("pre-none-nearest+shortcut", 0, 2.0), child("post-batch-bilinear", 0, 1.0)]],
    ranking=[
        child("pre-none-nearest+shortcut/pre-batch-deconvolution+skip0", 1, 3.0),
        child("post-batch-bilinear/post-instance-nearest", 1, 2.5),
    ],
    scored=4,
)
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


def test_words_that_have_no_room_beside_the_reward_stand_below() -> None:
    text = "modern:post-instance-deconvolution+linear/grouped-nearest+half+skip0"
    beams = Architectures(
        stages=[[child(text.split("/")[0], 0, 2.0)]], ranking=[child(text, 1, 3.0)], scored=2
    )
    tree = beam_tree(columns_of(beams, 4, [text], text))
    for words in (
        ">post-instance · deconvolution<",
        ">full width, linear attention<",
        ">grouped · nearest · half<",
        ">skip from 0 · winner<",
    ):
        assert words in tree, words


def test_a_winner_that_this_version_cannot_read_is_no_way_through_the_tree() -> None:
    tree = beam_tree(columns_of(BEAMS, 4, [], "pre-none-cubic"))
    assert 'class="card chosen"' not in tree and tree.count('class="card"') == 4


def test_a_card_of_a_pair_names_its_discriminators_newest_block_first() -> None:
    text = "autogan+discriminator:pre-none-nearest~bottleneck+softmax+half/deviation"
    pair = Child(Architecture.parse(text), 0, 0, "beam", 1.0, 0.1)
    found = Searched(stages=[[pair]], ranking=[], scored=1)
    tree = beam_tree(columns_of(found, 4, [text], text))
    assert ">bottleneck+softmax+half<" in tree
    assert "deviation, for pre · none · nearest · winner" in tree
