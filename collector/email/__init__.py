"""E-mail: campaigns and the pages their links lead to, messages rewritten, opens and clicks.

By default an address in a message tells the campaign, its variant and a link's number, and
nothing of who got it.
"""
