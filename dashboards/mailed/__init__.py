"""The report of a week or a month as one message: what it holds, as HTML and as plain text."""
