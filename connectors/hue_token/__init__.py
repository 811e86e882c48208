"""Hue's "tương tác" interface (Hue-S): the manifest beside this file is the connector.

Portal:   the city's field-report portal, ``/dttm/phananh``, and portals of its make
Owner:    the city's monitoring and operations centre (HueCIT); the token comes from there
Allows:   read what was handed to one agency, open and done, with answers and files; no way to answer is known
Interval: 15 minutes, a second between requests

History:
    2025-07  calls and fields as a public client of a neighbouring system has them (read, not run)
    2026-11  written against a simulated portal; never run against the real one
"""
