"""`lambda-core`: the command line.

Belongs here: options, printing, exit codes. Does not: any work of its own (`workflows`, `analysis`). A command imports
what it works with when it runs, so that `--help` needs neither torch nor pandas.
"""
