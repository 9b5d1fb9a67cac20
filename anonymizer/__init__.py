"""Turn raw hits into hits that identify nobody.

Pure code: bytes and values in, values out. Never does I/O, reads a clock,
draws randomness or writes a log line; the composer hands all of that in.
"""
