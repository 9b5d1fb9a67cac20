"""ClickHouse's HTTP protocol over whatever answers a question.

Knows of no policy, view or guard: who may ask what is the answerer's to say.
"""
