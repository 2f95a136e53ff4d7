"""Search spaces: decisions and architectures as values, and one room for each space."""
