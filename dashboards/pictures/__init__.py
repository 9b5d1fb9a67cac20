"""Pictures of reports: answers of `dashboards.asking` → shapes with their numbers, ready to show.

None asks more than three questions. What a group too small to be shown did is in none.
"""
