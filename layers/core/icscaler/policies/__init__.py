"""Policies: pure functions from what is known of one model to the copies it should have.

`evidence` turns metric minutes into state once each; `target_tracking` and `keep_alive` recommend.
What a recommendation may become is decided by `guards` and `allocate`, for every policy alike.
"""
