"""Search by trials: trainings from scratch in rungs, over a database that any number of workers share;
and a table of trained generators, on which searches are simulated.
"""
