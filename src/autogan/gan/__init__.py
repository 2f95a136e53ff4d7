"""The adversarial step: objectives, averaging, recorded steps, and images of a generator."""
