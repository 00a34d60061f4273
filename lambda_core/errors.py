"""Errors that a user can mend: one sentence that says what was wrong, where, and what would be right.

The command line prints them on standard error and exits with 2; the app shows them in place of the part
that needed the value. Anything else that is raised is a fault of ours.
"""


class LambdaError(Exception):
    """Base of every error that is the input's fault, not the program's."""


class PatternError(LambdaError, ValueError):
    """A text or matrix that is no Lambda pattern."""


class ConfigError(LambdaError, ValueError):
    """A setting that is unknown, of the wrong type, or out of range."""


class DataError(LambdaError):
    """A data set that is missing, damaged, or too small for the episodes asked of it."""


class StudyError(LambdaError):
    """A study on disk that cannot be read or written; names the file and the fault."""


class SelectionError(LambdaError, ValueError):
    """Tables or thresholds from which no honest choice can be made."""


class ModelError(LambdaError, ValueError):
    """A backbone that the inner loop cannot adapt exactly."""


class BusyError(LambdaError):
    """Another process is at work on the same files."""


class LostWorkerError(LambdaError):
    """A worker process ended in the middle of its work, twice: the machine is short of memory, mostly."""
