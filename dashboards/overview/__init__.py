"""The overview: figures, their chart, and the first rows of reports."""
