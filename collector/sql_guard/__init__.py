"""What an analyst may ask: the guarded views and nothing beside them.

A query comes in as text; ClickHouse's own parser turns it into a tree; what the
tree holds must stand in closed lists. Out goes a query written anew from the
checked tree, or a refusal. Nothing is decided on the text (docs/decisions/0017).
"""
