"""Batch normalisation of a batch that is spread over processes."""

from torch import Tensor, nn

from autogan.device.processes import Processes
from autogan.nets.layers import BatchNorm


class JointBatchNorm(BatchNorm):
    """`BatchNorm` that in training mode normalises with the statistics of all processes' parts together.

    It is never made, but what a `BatchNorm` becomes by `join_batch_norms`.
    """

    processes: Processes

    def statistics_normalised(self, x: Tensor, batch_statistics: bool) -> Tensor:
        """As `BatchNorm`'s; a mean, then a variance about it, each one exchange of C numbers."""
        if not self.training:
            return super().statistics_normalised(x, batch_statistics)
        wide = x.float()
        count = self.processes.count * x.shape[0] * x.shape[2] * x.shape[3]
        mean = self.processes.sum(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = self.processes.sum(centred.square().sum(dim=(0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / max(1, count - 1))
        scale = self.weight * (variance + self.EPSILON).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        self.running_mean.lerp_(mean, self.MOMENTUM)
        self.running_var.lerp_(variance, self.MOMENTUM)


def join_batch_norms(network: nn.Module, processes: Processes) -> None:
    """From here on the network's batch statistics are those of all processes together; in place."""
    for module in network.modules():
        if type(module) is BatchNorm:
            module.__class__ = JointBatchNorm
            module.processes = processes  # type: ignore[assignment]
