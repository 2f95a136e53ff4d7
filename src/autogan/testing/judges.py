"""What every judge keeps to."""

import json
import re
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from autogan.judges.base import Judge, Judgement
from autogan.testing.checks import draws_from_no_shared_stream, refuses, seeded


class JudgeConformance(ABC):
    """Tests of a judge, on blurred noise of several sizes.

    In a file of tests:

        from autogan.testing import JudgeConformance
        from mine import FaceJudge

        class TestFaceJudge(JudgeConformance):
            sizes = (32, 64)

            def make(self):
                return FaceJudge.load("faces.safetensors")
    """

    sizes: tuple[int, ...] = (8, 32, 48)
    """Sides of the images that it is shown, in pixels."""
    images_at_once = 5

    @abstractmethod
    def make(self) -> Judge:
        """The judge; always the same one."""

    def images(self, size: int, seed: int = 0) -> Tensor:
        """uint8 B×3×size×size."""
        shape = (self.images_at_once, 3, size + 2, size + 2)
        noise = torch.randn(shape, generator=seeded(seed))
        smooth = torch.nn.functional.avg_pool2d(noise, 3, 1)
        colours = 60 + 140 * torch.rand(self.images_at_once, 3, 1, 1, generator=seeded(seed + 1))
        return (colours + 100 * smooth).clamp(0, 255).to(torch.uint8)

    def test_a_judgement_has_the_promised_shapes_at_every_size(self) -> None:
        judge = self.make()
        for size in self.sizes:
            for count in (1, self.images_at_once):
                judgement = judge(self.images(size)[:count])
                assert isinstance(judgement, Judgement) and len(judgement) == count
                features, probabilities = judgement.features, judgement.probabilities
                assert features.shape == (count, judge.feature_dimension), features.shape
                assert probabilities.shape == (count, judge.class_count), probabilities.shape
                assert features.dtype == probabilities.dtype == torch.float32, "not float32"
                assert bool(features.isfinite().all()) and bool(probabilities.isfinite().all())
                assert not features.requires_grad and not probabilities.requires_grad

    def test_probabilities_sum_to_1(self) -> None:
        judge = self.make()
        for size in self.sizes:
            probabilities = judge(self.images(size)).probabilities
            assert bool((probabilities >= 0).all()), "some are negative"
            if judge.class_count:
                sums = probabilities.double().sum(1)
                torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-5)

    def test_the_same_images_get_the_same_judgement(self) -> None:
        judge, images = self.make(), self.images(self.sizes[-1])
        before = images.clone()
        with draws_from_no_shared_stream():
            one = judge(images)
            judge(self.images(self.sizes[0], seed=3))  # nothing of these may stay
            again = judge(images)
        assert torch.equal(one.features, again.features), "other features"
        assert torch.equal(one.probabilities, again.probabilities), "other probabilities"
        assert torch.equal(images, before), "it changed the images"

    def test_other_images_get_another_judgement(self) -> None:
        judge = self.make()
        for size in self.sizes:
            features = judge(self.images(size)).features
            distances = torch.pdist(features)
            assert distances.min() > 0, "two images have the same features"

    def test_an_image_is_judged_by_itself(self) -> None:
        judge, images = self.make(), self.images(self.sizes[-1])
        apart = judge.judge_all(images.split(1))
        together = judge(images)
        for one, all_at_once in (
            (apart.features, together.features),
            (apart.probabilities, together.probabilities),
        ):
            rounding = 1e-3 * max([1e-3, *all_at_once.abs().flatten().tolist()])
            torch.testing.assert_close(one, all_at_once, rtol=0, atol=rounding)

    def test_batches_are_joined_in_their_order(self) -> None:
        judge = self.make()
        batches = [self.images(self.sizes[0], seed=seed)[: 5 - seed] for seed in range(3)]
        joined = judge.judge_all(iter(batches))
        parts = [judge(batch) for batch in batches]
        assert torch.equal(joined.features, torch.cat([part.features for part in parts]))
        assert torch.equal(joined.probabilities, torch.cat([p.probabilities for p in parts]))
        assert refuses(judge.judge_all, []), "no images at all are no error"

    def test_what_is_no_image_is_refused(self) -> None:
        judge, images = self.make(), self.images(self.sizes[0])
        wrong = {
            "float": images.float(),
            "int64": images.long(),
            "one image without a batch": images[0],
            "grey": images[:, :1],
            "not square": images[:, :, 1:],
        }
        for what, given in wrong.items():
            assert refuses(judge, given), f"{what} images are judged"

    def test_it_describes_itself_in_json(self) -> None:
        judge = self.make()
        described = judge.describe()
        assert json.loads(json.dumps(described, allow_nan=False)) == described, described
        assert (described["name"], described["kind"]) == (judge.name, judge.kind), described

    def test_its_name_can_be_part_of_a_file_s(self) -> None:
        judge = self.make()
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", judge.name), judge.name
        assert self.make().name == judge.name, "one judge has two names"

    def test_its_class_names_are_those_of_its_classes(self) -> None:
        judge = self.make()
        assert len(judge.class_names) in (0, judge.class_count), judge.class_names
        assert len(set(judge.class_names)) == len(judge.class_names), judge.class_names
