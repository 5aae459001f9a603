"""The OneRoster 1.1 standard, ignorant of Brightspace: objects, both bindings, and the way into Parquet."""
