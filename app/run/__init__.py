"""Run: meta-training, sweeps and timings as jobs that outlive the browser.

Belongs here: the forms that start a job and the list of jobs. Does not: starting and watching a process
(`lambda_core.jobs`).
"""
