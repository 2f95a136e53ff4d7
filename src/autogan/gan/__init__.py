"""Two networks that train against each other, and images of what comes of it.

step: one update of each network, in the order things happen: labels, augmentation, logits, loss, penalty.
objectives: what they minimise. penalties: what holds D's slope besides. augmentation: what D sees of an
image. averaging: the averaged generator. schedules: what changes from step to step.
learner: both networks and their optimisers. looking: real and generated images through D.
streams: random numbers of each purpose. from_settings: a game as settings say it.
capture: steps recorded as CUDA graphs. generation, sampling: images of a generator.
"""
