"""Starting executions of the deployed state machines, and following them."""
