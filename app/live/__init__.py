"""Live: one episode, two patterns, adapted here and now, step by step.

Belongs here: where the episode comes from, and the player. Does not: the adaptation itself
(`shared.adaptation_service`).
"""
