"""Real small jobs while processes are killed and servers taken away.

``python -m tests.chaos`` prints what happened, and fails unless every job succeeded exactly
once, with one output whose file is in storage.
"""
