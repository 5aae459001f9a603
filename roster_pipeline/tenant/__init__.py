"""What the Brightspace tenant holds: read by one of three ways, for linking and to tell what was changed by hand."""
