"""Small policies that inherit nothing, table by table."""

HEAD = """\
[policy]
id = "whole"
version = "1"
controller = "Example Ltd"
contact = "privacy@example.org"
"""
SITE = '[[site]]\ndomain = "example.org"\ntimezone = "UTC"\n'
PURPOSE = '[[purpose]]\nid = "shop"\ntitle = "t"\nclause = "c"\nbasis = "exempt"\n'
COVERAGE = '[[statistic]]\nname = "coverage"\npurpose = "shop"\nby = ["door", "reason"]\n'
ALONE = HEAD + SITE + PURPOSE + COVERAGE
"""A policy that inherits nothing; its last table is the statistic."""
OWN = ALONE + '[[statistic]]\nname = "own"\npurpose = "shop"\n'
