"""Search by trials: trainings from scratch in rungs, over a database that any number of workers share."""
