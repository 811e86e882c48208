"""A realistic day in one ward, to look at and to drive: simulated portals, reports, people.

Nothing here is used by a real installation. All people, houses and complaints told of are invented;
streets are real so that addresses read as they do in an office.
"""
