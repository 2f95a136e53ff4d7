"""Which GPUs each worker of this machine sees."""

from autogan.basics.errors import UserError
from autogan.device.gpus import VISIBLE, visible_gpus


def shared_out(workers: int, for_each: int) -> list[str]:
    """For each worker its GPUs, as VISIBLE takes them: no GPU is given to two.

    Raises `UserError` where this process sees fewer than workers × for_each.
    """
    names = visible_gpus()
    needed = workers * for_each
    if needed > len(names):
        seen = f"{len(names)} ({', '.join(names)})" if names else "none"
        raise UserError(
            f"--workers {workers} with --gpus-per-worker {for_each} needs {needed} GPUs, and this process "
            f"sees {seen}. Give fewer workers, or make more visible ({VISIBLE})."
        )
    return [",".join(names[w * for_each : (w + 1) * for_each]) for w in range(workers)]
