"""DuckDB: the pipeline's own file, its tables with their comments, and the copy that analysts open."""
