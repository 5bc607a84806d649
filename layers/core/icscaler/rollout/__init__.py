"""Rolling updates: plan, batches, gates and the next move, as pure functions.

Nothing here talks to AWS or reads a clock. `icscaler.rollout_steps` observes, asks these functions,
and does what they say; the state machines wait.
"""
