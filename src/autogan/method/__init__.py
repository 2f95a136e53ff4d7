"""What the paper describes, readable beside it: search, derive, train, evaluate, and the pipeline of them."""
