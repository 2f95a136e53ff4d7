"""Two networks that train against each other, and images of what comes of it.

step: one update of each network, in the order things happen: labels, augmentation, logits, loss, penalty.
objectives: what they minimise. penalties: what holds D's slope besides. augmentation: what D sees of an
image. averaging: the averaged generator. schedules: what changes from step to step.
capture: steps recorded as CUDA graphs. generation, sampling: images of a generator.
"""
