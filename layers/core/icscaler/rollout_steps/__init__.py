"""The steps of a rolling update: observe, ask `icscaler.rollout`, do what it says, record.

Each step is one Task of a state machine. It reads the record and looks at AWS, writes what it is
about to do, then does it: a step that is repeated, after a crash or by a second execution, finds
what the first one did.
"""
