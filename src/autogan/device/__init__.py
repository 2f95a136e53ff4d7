"""Where and in which number format the networks run, and what becomes of their memory."""
