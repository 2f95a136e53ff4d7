"""What every room may use: errors for users, named random streams, words and numbers for people, versions."""
