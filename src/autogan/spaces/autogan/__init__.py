"""AutoGAN's search space: everything that knows its decisions (paper section 3.1)."""
