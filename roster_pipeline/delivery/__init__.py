"""From the delta to Brightspace: the guard before it, the routes, and the state after it."""
