"""What long work tells whoever watches, how long the rest will take, and how the terminal shows it."""
