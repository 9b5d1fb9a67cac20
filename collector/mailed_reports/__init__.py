"""Reports by e-mail: what goes to whom and when, and the SMTP server that takes it."""
