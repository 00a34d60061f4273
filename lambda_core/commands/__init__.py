"""`lambda-core`: the command line.

Belongs here: options, printing, exit codes. Does not: any work of its own (`workflows`, `analysis`).
"""
