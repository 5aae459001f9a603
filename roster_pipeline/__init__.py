"""A school district's roster into D2L Brightspace, and its grades back, as a Dagster project."""
