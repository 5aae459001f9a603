"""The parts of the sandbox's Brightspace tenant: what it holds, and the web service in front of it."""
