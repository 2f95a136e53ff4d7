"""`python -m autogan` is the command `autogan`."""

from autogan.cli import main

main()
