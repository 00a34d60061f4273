"""Nothing lost, nobody in: the harnesses that the tests here run for minutes, and `python -m tests.soak` at length.

Each harness is a module that does one kind of harm, and says what came of it; test modules assert over a few tries.
"""
