"""Records become rows, rows become frames and summaries."""
